/// What a device is given to prove itself by: a certificate, symmetric device keys, or both.
public enum DeviceCredentials: String, Sendable, Codable, Hashable, CaseIterable {
  case certificate, key, both

  public var hasCertificate: Bool { self != .key }
  public var hasKeys: Bool { self != .certificate }
}
