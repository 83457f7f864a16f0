/// A command as its bytes (TPM 2.0 Library part 1 §18), its handles authorised as they ask.
struct TPMCommand {
  enum Authorization {
    /// Of a key, that of this machine: empty. Of a hierarchy, its owner's.
    case password([UInt8])
    static let emptyPassword = Authorization.password([])
    /// A policy session, which ends with the command.
    case session(UInt32, password: [UInt8] = [])
  }

  /// TPM_CC (part 2 §6.5.2).
  enum Code: UInt32 {
    case createPrimary = 0x131
    case activateCredential = 0x147
    case certify = 0x148
    case nvRead = 0x14e
    case policySecret = 0x151
    case create = 0x153
    case load = 0x157
    case quote = 0x158
    case sign = 0x15d
    case unseal = 0x15e
    case contextLoad = 0x161
    case contextSave = 0x162
    case flushContext = 0x165
    case nvReadPublic = 0x169
    case startAuthSession = 0x176
    case pcrRead = 0x17e
    case getCapability = 0x17a
    case policyPCR = 0x17f
    case policyGetDigest = 0x189
    case policyPassword = 0x18c

    /// Whether a handle stands first in its response.
    var givesHandle: Bool { [.createPrimary, .load, .contextLoad, .startAuthSession].contains(self) }

    var words: String {
      switch self {
      case .createPrimary: "make a primary key"
      case .activateCredential: "open the challenge"
      case .certify: "certify the device key"
      case .nvRead, .nvReadPublic: "show what its maker left in it"
      case .policySecret: "let its endorsement key be used"
      case .startAuthSession: "begin a session"
      case .policyPCR, .policyPassword, .policyGetDigest: "take a policy"
      case .getCapability: "say what it can"
      case .unseal: "open what was sealed"
      case .create: "make a key"
      case .load: "take its key: was it cleared, or is it another TPM?"
      case .contextSave: "give its key out for later"
      case .contextLoad: "take back the key that it gave out"
      case .sign: "sign"
      case .quote, .pcrRead: "show its registers"
      case .flushContext: "forget a key"
      }
    }
  }

  let code: Code
  var handles: [UInt32] = []
  var authorizations: [Authorization] = []
  var parameters: [UInt8] = []

  var bytes: [UInt8] {
    let sessions = authorizations.flatMap { authorization -> [UInt8] in
      switch authorization {
      case .password(let password): be(0x4000_0009 as UInt32) + [0, 0, 0] + sized(password)
      case .session(let handle, let password): be(handle) + [0, 0, 0] + sized(password)
      }
    }
    let area = authorizations.isEmpty ? [] : be(UInt32(sessions.count)) + sessions
    let body = be(code.rawValue) + handles.flatMap { be($0) } + area + parameters
    let tag: UInt16 = authorizations.isEmpty ? 0x8001 : 0x8002
    return be(tag) + be(UInt32(body.count + 6)) + body
  }
}

/// Most significant byte first.
func be(_ value: some FixedWidthInteger) -> [UInt8] {
  let size = value.bitWidth / 8
  return (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// A TPM2B: its size in two bytes, then itself.
func sized(_ bytes: [UInt8]) -> [UInt8] { be(UInt16(truncatingIfNeeded: bytes.count)) + bytes }

/// A response, read within its bounds.
struct TPMResponse {
  private(set) var handle: UInt32?
  private var rest: ArraySlice<UInt8>

  /// The response code of the bytes; nil where they are no response.
  static func code(of bytes: [UInt8]) -> UInt32? {
    bytes.count >= 10 ? bytes[6..<10].reduce(0) { $0 << 8 | UInt32($1) } : nil
  }

  init(_ bytes: [UInt8], to code: TPMCommand.Code) throws(TPMFailure) {
    guard bytes.count >= 10, Int(bytes[2..<6].reduce(0) { $0 << 8 | UInt32($1) }) == bytes.count else {
      throw TPMFailure("expected a whole response of the TPM, found \(bytes.count) bytes of another")
    }
    let hasSessions = bytes[0] == 0x80 && bytes[1] == 0x02
    rest = bytes[10...]
    if code.givesHandle { handle = UInt32(truncatingIfNeeded: try number(4)) }
    if hasSessions { rest = try take(try number(4)) }
  }

  mutating func number(_ size: Int) throws(TPMFailure) -> Int { try take(size).reduce(0) { $0 << 8 | Int($1) } }

  mutating func take(_ count: Int) throws(TPMFailure) -> ArraySlice<UInt8> {
    guard count <= rest.count else {
      throw TPMFailure("expected \(count) bytes more of the TPM's response, found fewer")
    }
    let taken = rest.prefix(count)
    rest = rest.dropFirst(count)
    return taken
  }

  /// The content of a TPM2B.
  mutating func sizedBytes() throws(TPMFailure) -> [UInt8] { Array(try take(try number(2))) }

  /// A TPM2B with its size.
  mutating func whole() throws(TPMFailure) -> [UInt8] { sized(try sizedBytes()) }

  /// All that is left.
  mutating func remainder() -> [UInt8] {
    defer { rest = [] }
    return Array(rest)
  }
}
