/// What a TPM signs of itself, TPMS_ATTEST (TPM 2.0 Library part 2 §10.12.12), as it was read.
public struct TPMAttest: Sendable, Hashable {
  public enum Attested: Sendable, Hashable {
    /// TPMS_CERTIFY_INFO: the name and the qualified name of an object that is loaded in the TPM.
    case certify(name: [UInt8], qualifiedName: [UInt8])
    /// TPMS_QUOTE_INFO: the registers, and the digest over them.
    case quote(selection: [PCRSelection], digest: [UInt8])
  }

  /// TPMS_PCR_SELECTION: registers of one bank.
  public struct PCRSelection: Sendable, Hashable {
    /// TPM_ALG_ID of the bank's hash.
    public let hash: UInt16
    /// In order.
    public let registers: [Int]
  }

  /// Structures that a TPM made begin with it (part 2 §6.2, TPM_GENERATED_VALUE): nothing from outside that a restricted
  /// key signs can.
  static let magic: UInt32 = 0xff54_4347
  /// In bytes: the largest a TPM makes.
  public static let sizeLimit = 1024

  /// TPMS_ATTEST as it was read: what the signature is over.
  public let bytes: [UInt8]
  public let qualifiedSigner: [UInt8]
  /// What the caller of the TPM had it sign along: the nonce.
  public let extraData: [UInt8]
  public let resetCount: UInt32
  public let restartCount: UInt32
  public let firmwareVersion: UInt64
  public let attested: Attested

  init(_ bytes: [UInt8]) throws(MalformedTPM) {
    guard bytes.count <= TPMAttest.sizeLimit else {
      throw MalformedTPM(expected: "at most \(TPMAttest.sizeLimit) bytes of TPMS_ATTEST", found: "\(bytes.count)")
    }
    var reader = TPMReader(bytes[...], "TPMS_ATTEST")
    let magic = try reader.uint32("magic")
    guard magic == TPMAttest.magic else {
      throw MalformedTPM(expected: "TPM_GENERATED_VALUE", found: "a structure that no TPM made")
    }
    let type = try reader.uint16("type")
    qualifiedSigner = try TPMAttest.readName(&reader, "qualifiedSigner")
    extraData = Array(try reader.sized("extraData", limit: 66))
    _ = try reader.uint64("clock")
    resetCount = try reader.uint32("resetCount")
    restartCount = try reader.uint32("restartCount")
    guard try reader.uint8("safe") <= 1 else { throw MalformedTPM(expected: "safe as YES or NO", found: "another") }
    firmwareVersion = try reader.uint64("firmwareVersion")
    switch type {
    case 0x8017:
      attested = .certify(
        name: try TPMAttest.readName(&reader, "name"), qualifiedName: try TPMAttest.readName(&reader, "qualifiedName"))
    case 0x8018:
      attested = .quote(
        selection: try TPMAttest.readSelection(&reader), digest: Array(try reader.sized("pcrDigest", limit: 64)))
    default: throw MalformedTPM(expected: "an attestation of a key or of registers", found: "the type \(type)")
    }
    try reader.end()
    self.bytes = bytes
  }

  /// TPM2B_NAME: a hash's number and a digest, or a handle (part 2 §10.5).
  private static func readName(_ reader: inout TPMReader, _ member: StaticString) throws(MalformedTPM) -> [UInt8] {
    Array(try reader.sized(member, limit: 66))
  }

  /// TPML_PCR_SELECTION (part 2 §10.9.7).
  private static func readSelection(_ reader: inout TPMReader) throws(MalformedTPM) -> [PCRSelection] {
    let count = try reader.uint32("the count of banks")
    guard count <= 16 else { throw MalformedTPM(expected: "at most 16 banks", found: "\(count)") }
    var selections: [PCRSelection] = []
    for _ in 0..<count {
      let hash = try reader.uint16("a bank's hash")
      let size = Int(try reader.uint8("a selection's size"))
      guard (1...4).contains(size) else {
        throw MalformedTPM(expected: "a selection of 1 to 4 bytes", found: "\(size)")
      }
      let bits = Array(try reader.take(size, "a selection"))
      let registers = (0..<size * 8).filter { bits[$0 / 8] >> ($0 % 8) & 1 == 1 }
      selections.append(PCRSelection(hash: hash, registers: registers))
    }
    return selections
  }
}
