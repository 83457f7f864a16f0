public import MusterModel

/// What a verifier found (RFC 9334 §4.2, Attestation Results). Its initialiser is internal: only an appraisal makes one.
public struct AttestationResult: Sendable, Hashable {
  /// One hardware ID, and how well it is known to be the caller's.
  public struct Hardware: Sendable, Hashable {
    public let id: HardwareID
    public let assurance: Assurance

    init(_ id: HardwareID, _ assurance: Assurance) {
      self.id = id
      self.assurance = assurance
    }
  }

  /// What the evidence says beyond the hardware.
  public enum Claims: Sendable, Hashable {
    case ticket(RecordID, deviceID: DeviceID)
    case idevid(IDevIDClaims)
    case ldevid(certificate: RecordID, device: RecordID, deviceID: DeviceID)
    case station(order: RecordID, deviceID: DeviceID)
    case groupKey(group: RecordID, key: RecordID)
    case tpm(TPMClaims)
  }

  /// The most hardware IDs that one request may name.
  public static let hardwareLimit = 16

  /// Each ID once: first what the evidence itself names, by which policies decide, then what the device claims.
  public let hardware: [Hardware]
  public let claims: Claims
  /// What a TPM proved of the key beside evidence of another kind; nil where none was asked.
  private let beside: TPMClaims?

  /// What a TPM proved of the key, whatever authorises.
  public var tpm: TPMClaims? { if case .tpm(let claims) = claims { claims } else { beside } }

  public var evidence: Evidence.Kind {
    switch claims {
    case .ticket: .ticket
    case .idevid: .idevid
    case .ldevid: .ldevid
    case .station: .station
    case .groupKey: .groupKey
    case .tpm: .tpm
    }
  }

  /// `claimed` is what the device says of itself beside the evidence; it never lifts what the evidence shows.
  init(
    _ evident: [Hardware], claimed: [HardwareID], _ claims: Claims, beside: TPMClaims? = nil
  ) throws(AttestationRefusal) {
    let proved = beside.map { Hardware($0.hardware, .proved) }
    let shown =
      evident.map { $0.id == proved?.id ? Hardware($0.id, .proved) : $0 }
      + [proved].compactMap(\.self).filter { proved in !evident.contains { $0.id == proved.id } }
    // Who has the proof shows it; who claims to is wrong.
    if let proof = claimed.first(where: { id in id.kind.isProof && !shown.contains { $0.id == id } }) {
      throw .claimOfProof(proof.kind)
    }
    let known = Set(shown.map(\.id))
    var seen = known
    let added = claimed.filter { seen.insert($0).inserted }.map { Hardware($0, .claimed) }
    guard known.count + added.count <= AttestationResult.hardwareLimit else {
      throw .tooMuchHardware(found: known.count + added.count)
    }
    hardware = shown + added
    self.claims = claims
    self.beside = beside
  }
}

extension HardwareID.Kind {
  /// Whether evidence alone may say it, never the device's own word.
  fileprivate var isProof: Bool {
    switch self {
    case .idevid, .tpmEK: true
    case .cpuSerial, .mac, .imei, .dmiUUID, .registration, .sha256: false
    }
  }
}

/// What a verified IDevID says.
public struct IDevIDClaims: Sendable, Hashable {
  /// The group whose trust anchor it is under.
  public let group: RecordID
  /// SHA-256 of the anchor's DER.
  public let anchor: Digest
  /// SHA-256 of the leaf's DER.
  public let certificate: Digest
  /// The subject's serialNumber (X.520, 2.5.4.5).
  public let serialNumber: String

  /// The serial number as a device ID, where it is one.
  public var proposedDeviceID: DeviceID? { DeviceID(serialNumber) }
}
