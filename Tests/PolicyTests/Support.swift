import MusterModel
import MusterTesting
import Policy
import Testing

@testable import Attestation

let time = Timestamp(milliseconds: 1_760_000_000_000)

func record(_ kind: RecordID.Kind) -> RecordID { RecordID(kind, UUIDv7(at: time)) }

func name(_ text: String) throws -> RecordName { try #require(RecordName(text)) }

/// A file that the program ships.
func shipped(_ name: String) throws -> PolicyFile {
  PolicyFile(name: name, bytes: try #require(try Project.policies().first { $0.name == name }).bytes)
}

func shippedPolicies() throws -> Policies {
  try Policies.load(files: try Policies.fileNames.map(shipped))
}

/// The shipped policies with one file's text in place.
func policies(access: String? = nil, enrollment: String? = nil, keys: String? = nil) throws -> Policies {
  let texts = ["access.yaml": access, "enrollment.yaml": enrollment, "keys.yaml": keys]
  return try Policies.load(
    files: try Policies.fileNames.map { name in
      try (texts[name] ?? nil).map { PolicyFile(name: name, bytes: Array($0.utf8)) } ?? shipped(name)
    })
}

func someone(_ role: Role, groups: [RecordID] = []) throws -> Principal {
  .operator(record(.operator), name: try name("anna"), role: role, groups: groups, certificate: record(.certificate))
}
