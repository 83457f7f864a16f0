import MusterModel
import Policy

/// What a certificate calls its subject: made from the permit alone.
struct SubjectNames: Sendable, Hashable {
  let commonName: String
  let alternativeNames: [GeneralName]
  let record: RecordID?

  /// X.520's upper bound of a common name.
  static let commonNameLimit = 64

  init(_ subject: IssuancePermit.Subject, profile: Profile, issuer: Issuer, serial: String) throws(IssuanceRefusal) {
    let kind: Profile.Subject
    let path: String?
    var hosts: [String] = []
    switch subject {
    case .device(let id, let deviceID):
      (kind, commonName, record, path) = (.device, deviceID.text, id, "device/\(deviceID.text)")
    case .operator(let id, let name):
      (kind, commonName, record, path) = (.operator, name.text, id, "operator/\(id)")
    case .hub(let id, let name, let host):
      (kind, commonName, record, path) = (.hub, name.text, id, "hub/\(id)")
      hosts = [host]
    case .server(let names):
      (kind, record, path) = (.server, nil, nil)
      commonName = names.first { $0.utf8.count <= Self.commonNameLimit } ?? issuer.points.trustDomain.name
      hosts = names
    case .ocspResponder:
      (kind, commonName, record, path) = (.ocspResponder, "OCSP responder \(issuer.keyID.prefix(16))", nil, nil)
    }
    guard kind == profile.subject else {
      throw .profile("expected a profile for \(kind.rawValue), found \(profile.name) for \(profile.subject.rawValue)")
    }
    guard commonName.utf8.count <= Self.commonNameLimit else {
      throw .subject("expected a name of at most \(Self.commonNameLimit) bytes, found \(commonName.utf8.count)")
    }
    alternativeNames = try Self.alternativeNames(
      profile.alternativeNames, path: path, hosts: hosts, serial: serial, domain: issuer.points.trustDomain)
  }

  private static func alternativeNames(
    _ wanted: [Profile.AlternativeName], path: String?, hosts: [String], serial: String, domain: TrustDomain
  ) throws(IssuanceRefusal) -> [GeneralName] {
    var names: [GeneralName] = []
    for name in wanted {
      switch name {
      case .spiffeID: names += path.map { [.uri("spiffe://\(domain)/\($0)")] } ?? []
      case .certificateName: names.append(.dns("\(serial).cert.\(domain)"))
      case .hostNames: names += try hostNames(hosts)
      }
    }
    return names
  }

  private static func hostNames(_ hosts: [String]) throws(IssuanceRefusal) -> [GeneralName] {
    guard (1...GeneralName.limit - 2).contains(hosts.count) else { throw .hostName("\(hosts.count) names") }
    var names: [GeneralName] = []
    for host in hosts {
      guard let name = HostName(host)?.generalName else { throw .hostName(String(host.prefix(80))) }
      if !names.contains(name) { names.append(name) }
    }
    return names
  }
}
