import Synchronization

/// Keys that a TPM has loaded, as it gives them out for later (TPM2_ContextSave): encrypted to itself, and void once it was
/// reset or cleared (TPM 2.0 Library part 1 §30.3). In memory only. To sign again, no storage key is made, which takes a
/// chip up to some seconds, and nothing stays loaded meanwhile.
package final class TPMContexts: Sendable {
  /// More than anyone has in use. Beyond it, one of the others is forgotten and loaded from its blob again.
  package static let most = 8
  /// TPMS_CONTEXT of each.
  private let saved = Mutex<[TPMKeyBlob: [UInt8]]>([:])

  package init() {}

  fileprivate subscript(key: TPMKeyBlob) -> [UInt8]? {
    get { saved.withLock { $0[key] } }
    set {
      saved.withLock { saved in
        if saved[key] == nil, saved.count == TPMContexts.most { _ = saved.popFirst() }
        saved[key] = newValue
      }
    }
  }
}

extension TPMConnection {
  /// Loads the key from its context; where there is none that holds, from its blob, and keeps its context.
  package func load(_ key: TPMKeyBlob, keptIn contexts: TPMContexts) throws(TPMFailure) -> Loaded {
    if let context = contexts[key], let handle = try handle(of: context) {
      return Loaded(handle: handle, publicArea: key.publicArea)
    }
    let loaded = try load(key, under: try storageKey())
    var response = try send(TPMCommand(code: .contextSave, handles: [loaded.handle]))
    contexts[key] = response.remainder()
    return loaded
  }

  /// nil for a context that is void. Whether the TPM was reset, cleared or changed for another, its blob tells.
  private func handle(of context: [UInt8]) throws(TPMFailure) -> UInt32? {
    do throws(TPMFailure) {
      return try send(TPMCommand(code: .contextLoad, parameters: context)).handle
    } catch {
      guard error.kind == .otherTPM else { throw error }
      return nil
    }
  }
}
