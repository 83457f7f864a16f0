import Enrollment
import Foundation
import MusterModel
import Policy

/// Adds an operator by the folder's own authority, and writes the identity file: the first administrator, and the way
/// back in when the last one's certificate is lost or over.
func addOperator(
  _ name: String, role: Role, groups: [String], _ instance: Instance, to file: String
) async throws {
  guard !FileManager.default.fileExists(atPath: file) else {
    throw CommandFailure("expected no file at \(file), found one: an identity is never written over")
  }
  let key = PeerKey()
  let input = OperatorInput(name: name, role: role.rawValue, groups: groups, csr: "")
  let added = try await Administration(instance).addOperator(
    input, csr: try key.request(commonName: name), by: .folder())
  switch added {
  case .refused(let refusal): throw CommandFailure("\(refusal.reason) (\(refusal.code))")
  case .done(let peer):
    try writeFile(file, key.identity(chain: peer.chain, root: instance.authorities.root), mode: 0o600)
  }
}
