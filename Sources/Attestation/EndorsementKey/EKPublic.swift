extension Appraisal {
  /// An endorsement key's TPM2B_PUBLIC, held to the rules of its role, and to the key of its certificate where one was
  /// shown.
  public mutating func appraise(ekPublic: [UInt8], isCertified: Bool, as endorsed: EndorsedKey?) {
    guard let key = readKey(ekPublic, .endorsement), isCertified else { return }
    let info = TPMVerificationKey(key.key)?.subjectPublicKeyInfo
    require(
      info != nil && info == endorsed?.subjectPublicKeyInfo, "endorsement key", "the certificate's",
      else: "ek-other-key", "expected the key of the accepted EK certificate, found another")
  }
}
