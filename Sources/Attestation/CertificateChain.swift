/// The bounds of a client certificate chain.
public enum CertificateChain {
  public static let lengthLimit = 5
  public static let sizeLimit = 16 * 1024
}
