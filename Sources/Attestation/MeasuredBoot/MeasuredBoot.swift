public import MusterModel

/// How a machine was started, as registers of its TPM show it that were quoted. Only an appraisal makes one.
public struct MeasuredBoot: Sendable, Hashable {
  /// The registers that firmware and boot loaders measure into.
  public static let registers = 0..<EventLog.registerCount

  /// Those of the SHA-256 bank that were quoted, by number.
  public let values: [Int: Digest]
  /// nil where no event log showed it.
  public let secureBoot: Bool?

  init(values: [Int: Digest], secureBoot: Bool?) {
    self.values = values
    self.secureBoot = secureBoot
  }

  /// nil where no register of the SHA-256 bank was quoted. That the values are the quote's, and the log's replay the values,
  /// was checked.
  init?(_ registers: RegisterValues, _ log: EventLog?) {
    let values = registers.entries.filter { $0.bank == .sha256 }.compactMap { entry in
      Digest(bytes: entry.value).map { (entry.register, $0) }
    }
    guard !values.isEmpty else { return nil }
    self.values = Dictionary(values) { first, _ in first }
    secureBoot = self.values[7] == nil ? nil : log?.secureBoot(.sha256)
  }
}
