/// A certs-only CMS message (RFC 5652 §5, RFC 8551 §3.2.2 "degenerate"): how EST answers (RFC 7030 §4.2.3, RFC 8951).
public enum CertificatesOnly {
  /// ContentInfo with a SignedData of version 1 that signs nothing and carries `certificates`, each its DER.
  /// DER sorts a SET OF (X.690 §11.6): a reader finds the leaf by its key, not by its place.
  public static func encode(_ certificates: [[UInt8]]) -> [UInt8] {
    let sorted = certificates.sorted { $0.lexicographicallyPrecedes($1) }
    let signedData = TLV.sequence(
      TLV.integer(1), TLV.set(), TLV.sequence(OID.data), TLV.encode(0xa0, sorted), TLV.set())
    return TLV.sequence(OID.signedData, TLV.tagged(0, signedData))
  }
}
