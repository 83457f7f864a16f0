import Foundation
import MusterModel

// What is asked of key rings, as the API's JSON says it.

public struct KeyRingInput: Codable, Sendable, Hashable {
  public let name: String
  public let kind: String
  /// Whose it is; one that boards enroll by is a group's.
  public var group: String?
  /// Whether its keys may leave; they may not by default.
  public var exportable: Bool?
  /// How long a version that is to be destroyed is still there; at once by default.
  public var destroyWaitSeconds: Int?
  /// By default as keys.yaml says; for less, never for more.
  public var rotateEverySeconds: Int?
  /// How often a version may protect something before the next takes over.
  public var protectionLimit: UInt64?

  public init(name: String, kind: String) {
    self.name = name
    self.kind = kind
  }
}

public struct KeyMoveInput: Codable, Sendable, Hashable {
  public let state: String
  public let reason: String?

  public init(state: String, reason: String?) {
    self.state = state
    self.reason = reason
  }
}

/// Something to be done with a key.
public struct KeyItem: Codable, Sendable, Hashable {
  /// Base64: what is to be encrypted, authenticated or signed.
  public var data: String?
  /// What a ring gave: a ciphertext, a MAC, a signature.
  public var text: String?
  /// What it is bound to.
  public var context: String?

  public init(data: String? = nil, text: String? = nil, context: String? = nil) {
    self.data = data
    self.text = text
    self.context = context
  }
}

public struct KeyItems: Codable, Sendable, Hashable {
  public let items: [KeyItem]
  public init(items: [KeyItem]) { self.items = items }
}

/// What came of an item: one of these.
public struct KeyItemResult: Codable, Sendable, Hashable {
  /// Base64.
  public var data: String?
  public var text: String?
  public var isValid: Bool?
  /// Why it was refused.
  public var code: String?

  static func data(_ bytes: SecretBytes) -> KeyItemResult {
    KeyItemResult(data: bytes.base64)
  }
}

public struct KeyItemResults: Codable, Sendable, Hashable {
  public let results: [KeyItemResult]
  public init(results: [KeyItemResult]) { self.results = results }
}

public struct DerivationInput: Codable, Sendable, Hashable {
  /// What the key is for.
  public let context: String
  /// In bytes; 32 by default.
  public let size: Int?
  /// The newest by default.
  public let version: UInt32?

  public init(context: String, size: Int?, version: UInt32?) {
    self.context = context
    self.size = size
    self.version = version
  }
}

public struct DerivedKey: Codable, Sendable, Hashable {
  /// Base64.
  public let key: String
  public let version: UInt32
}

public struct DataKeyInput: Codable, Sendable, Hashable {
  public let context: String?
  public init(context: String?) { self.context = context }
}

/// A fresh key of 32 bytes, in the clear and encrypted.
public struct DataKey: Codable, Sendable, Hashable {
  /// Base64.
  public let key: String
  public let ciphertext: String
}

public struct RandomInput: Codable, Sendable, Hashable {
  /// In bytes, 1 to 1024.
  public let size: Int
  public init(size: Int) { self.size = size }
}

public struct RandomOutput: Codable, Sendable, Hashable {
  /// Base64.
  public let random: String
}

extension SecretBytes {
  /// For an answer, where it is to be seen.
  var base64: String { withUnsafeBytes { Data($0).base64EncodedString() } }
}
