import KeyVault
import MusterModel
import Policy

/// What is done with key rings. Each use is allowed by policy, held to the ring's state as it stands, and granted on record
/// before anything of it leaves.
public struct KeyUse: Sendable {
  /// The most items of one request.
  public static let itemLimit = 256
  public static let randomSizes = 1...1024
  let instance: Instance

  public init(_ instance: Instance) { self.instance = instance }

  // MARK: - Protecting

  public func encrypt(_ name: String, _ items: [KeyItem], by caller: Caller) async throws -> Outcome<[KeyItemResult]> {
    try await protect(.encrypt, name, items, by: caller) { key, data, context throws(VaultError) in
      try key.encrypt(data, context)
    }
  }

  public func mac(_ name: String, _ items: [KeyItem], by caller: Caller) async throws -> Outcome<[KeyItemResult]> {
    try await protect(.mac, name, items, by: caller) { key, data, context throws(VaultError) in
      try key.mac(data, context)
    }
  }

  /// Over the message alone: a signature that others verify has no context.
  public func sign(_ name: String, _ items: [KeyItem], by caller: Caller) async throws -> Outcome<[KeyItemResult]> {
    guard items.allSatisfy({ $0.context == nil }) else {
      return .refused(.malformed("context", "no context with a signature"))
    }
    return try await protect(.sign, name, items, by: caller) { key, data, _ throws(VaultError) in try key.sign(data) }
  }

  private func protect(
    _ use: RingUse, _ name: String, _ items: [KeyItem], by caller: Caller,
    _ protect: (RingKey, SecretBytes, RingContext) throws(VaultError) -> RingText
  ) async throws -> Outcome<[KeyItemResult]> {
    let read: [(SecretBytes, RingContext)]
    do throws(Refusal) {
      try KeyUse.check(items)
      read = try items.map { item throws(Refusal) in (try item.readData(), try item.readContext()) }
    } catch {
      return .refused(error)
    }
    return try await using(use, name, [nil: UInt64(items.count)], by: caller) { keys in
      guard case .success(let key)? = keys[nil] else { return [] }
      return try read.map { data, context in KeyItemResult(text: try protect(key, data, context).description) }
    }
  }

  // MARK: - Opening

  public func decrypt(_ name: String, _ items: [KeyItem], by caller: Caller) async throws -> Outcome<[KeyItemResult]> {
    try await open(.decrypt, [.ciphertext], name, items, by: caller) { _, key, text, _, context in
      .data(try key.decrypt(text, context))
    }
  }

  /// From whatever version to the newest, in one step that shows nobody what is in it.
  public func rewrap(_ name: String, _ items: [KeyItem], by caller: Caller) async throws -> Outcome<[KeyItemResult]> {
    try await open(.rewrap, [.ciphertext], name, items, by: caller) { newest, key, text, _, context in
      KeyItemResult(text: try newest.encrypt(try key.decrypt(text, context), context).description)
    }
  }

  public func verify(_ name: String, _ items: [KeyItem], by caller: Caller) async throws -> Outcome<[KeyItemResult]> {
    try await open(.verify, [.mac, .signature], name, items, by: caller) { _, key, text, data, context in
      KeyItemResult(isValid: key.verifies(text, data, context))
    }
  }

  private typealias Opening = (
    _ newest: RingKey, _ key: RingKey, RingText, _ data: SecretBytes, RingContext
  ) throws -> KeyItemResult

  private func open(
    _ use: RingUse, _ kinds: [RingText.Kind], _ name: String, _ items: [KeyItem], by caller: Caller,
    _ open: Opening
  ) async throws -> Outcome<[KeyItemResult]> {
    let read: [(text: RingText, data: SecretBytes, context: RingContext)]
    do throws(Refusal) {
      try KeyUse.check(items)
      read = try items.map { item throws(Refusal) in
        (
          try item.readText(kinds), use == .verify ? try item.readData() : SecretBytes(count: 0) { _ in },
          try item.readContext()
        )
      }
    } catch {
      return .refused(error)
    }
    var counts: [UInt32?: UInt64] = [:]
    for item in read { counts[item.text.version, default: 0] += 1 }
    if use == .rewrap { counts[nil] = UInt64(items.count) }
    return try await using(use, name, counts, by: caller) { keys in
      try read.map { item in
        switch keys[item.text.version] {
        case .failure(let refusal): return KeyItemResult(code: refusal.code)
        case nil: return KeyItemResult(code: RingRefusal.versionUnknown(item.text.version).code)
        case .success(let key):
          guard key.ring == item.text.ring else { return KeyItemResult(code: RingRefusal.otherRing.code) }
          let newest: RingKey
          switch keys[nil] {
          case .success(let found): newest = found
          case .failure(let refusal): return KeyItemResult(code: refusal.code)
          case nil: newest = key
          }
          do {
            return try open(newest, key, item.text, item.data, item.context)
          } catch let error as VaultError {
            return KeyItemResult(code: error.code)
          }
        }
      }
    }
  }

  // MARK: - Keys from keys

  public func derive(_ name: String, _ input: DerivationInput, by caller: Caller) async throws -> Outcome<DerivedKey> {
    guard let context = RingContext(input.context), !context.isEmpty else {
      return .refused(.malformed("context", "\(RingContext.rule), and one at least"))
    }
    let size = input.size ?? RingKey.size
    guard RingKey.derivedSizes.contains(size) else {
      return .refused(.malformed("size", "\(RingKey.derivedSizes.lowerBound) to \(RingKey.derivedSizes.upperBound)"))
    }
    return try await usingOne(.derive, name, input.version, by: caller) { key in
      if let rule = key.ruleBroken(byDeriving: context, count: size) { return .refused(.malformed("context", rule)) }
      return .done(DerivedKey(key: try key.derive(context, count: size).base64, version: key.version))
    }
  }

  public func dataKey(_ name: String, _ input: DataKeyInput, by caller: Caller) async throws -> Outcome<DataKey> {
    guard let context = RingContext(input.context ?? "") else {
      return .refused(.malformed("context", RingContext.rule))
    }
    return try await usingOne(.dataKey, name, nil, by: caller) { key in
      let made = SecretBytes.random(count: RingKey.size)
      return .done(DataKey(key: made.base64, ciphertext: try key.encrypt(made, context).description))
    }
  }

  /// Random bytes of the system's generator.
  public func random(_ input: RandomInput, by caller: Caller) async throws -> Outcome<RandomOutput> {
    guard KeyUse.randomSizes.contains(input.size) else { return .refused(.malformed("size", "1 to 1024 bytes")) }
    switch try await Administration(instance).grant(.keyRandom, to: caller) {
    case .refused(let refusal): return .refused(refusal)
    case .done: return .done(RandomOutput(random: SecretBytes.random(count: input.size).base64))
    }
  }

  private func usingOne<Value: Sendable>(
    _ use: RingUse, _ name: String, _ version: UInt32?, by caller: Caller, _ body: (RingKey) throws -> Outcome<Value>
  ) async throws -> Outcome<Value> {
    let outcome = try await using(use, name, [version: 1], by: caller) { keys -> Outcome<Value> in
      switch keys[version] {
      case .success(let key)?: try body(key)
      case .failure(let refusal)?: .refused(Refusal(refusal))
      case nil: .refused(Refusal(RingRefusal.unknown))
      }
    }
    switch outcome {
    case .done(let inner): return inner
    case .refused(let refusal): return .refused(refusal)
    }
  }
}
