public import KeyVault

/// What opens slots of the vault by itself: the folder's own key, the machine's TPM, a token.
public protocol OwnProtectors: Sendable {
  /// Whether they open anything or not.
  var protectors: [any KeyProtector] { get }

  /// A slot is gone: what kept its secret need not any more. Where that does not do it, it says so to who runs the service.
  func forget(_ slot: Slot)
}
