import CTSS
import Foundation

/// A connection to a TPM. One command after the other; what it loaded is flushed at its end, so that others find the TPM as
/// it was.
package final class TPMConnection {
  private let context: OpaquePointer
  let passwords: TPMHierarchyPasswords
  private var loaded: [UInt32] = []

  /// Runs `body` with a connection of its own.
  package static func with<Value>(
    _ place: TPMPlace, _ passwords: TPMHierarchyPasswords, _ body: (TPMConnection) throws(TPMFailure) -> Value
  ) throws(TPMFailure) -> Value {
    let connection = try TPMConnection(place, passwords)
    defer { connection.close() }
    return try body(connection)
  }

  private init(_ place: TPMPlace, _ passwords: TPMHierarchyPasswords) throws(TPMFailure) {
    self.passwords = passwords
    // The library speaks of its own troubles on standard error; here they are errors.
    setenv("TSS2_LOG", "all+none", 0)
    var context: OpaquePointer?
    let code = Tss2_TctiLdr_Initialize(place.description, &context)
    guard code == 0, let context else {
      throw TPMFailure("expected a TPM at \(place), found none that answers (0x\(String(code, radix: 16)))")
    }
    self.context = context
  }

  private func close() {
    for handle in loaded.reversed() { try? forget(handle) }
    var context: OpaquePointer? = context
    Tss2_TctiLdr_Finalize(&context)
  }

  func forget(_ handle: UInt32) throws(TPMFailure) {
    _ = try send(TPMCommand(code: .flushContext, parameters: be(handle)))
    flushed(handle)
  }

  /// What is given a handle is flushed at the end.
  func send(_ command: TPMCommand) throws(TPMFailure) -> TPMResponse {
    let response = try TPMResponse(try done(command), to: command.code)
    if let handle = response.handle { loaded.append(handle) }
    return response
  }

  /// The TPM flushed it itself.
  func flushed(_ handle: UInt32) { loaded.removeAll { $0 == handle } }

  /// TPM_RC_RETRY, TPM_RC_YIELDED, TPM_RC_TESTING (part 2 §6.6.3): it has something else to do first. Bounded.
  private static let retried: Set<UInt32> = [0x922, 0x908, 0x90a]
  private static let tries = 32

  private func done(_ command: TPMCommand) throws(TPMFailure) -> [UInt8] {
    var code: UInt32 = 0
    for attempt in 0..<TPMConnection.tries {
      let response = try exchange(command.bytes)
      guard let found = TPMResponse.code(of: response) else {
        throw TPMFailure("expected a response of the TPM, found \(response.count) bytes of another")
      }
      if found == 0 { return response }
      code = found
      guard TPMConnection.retried.contains(code) else { break }
      usleep(UInt32(1000 * (attempt + 1)))
    }
    throw TPMFailure(command.code, response: code)
  }

  private func exchange(_ command: [UInt8]) throws(TPMFailure) -> [UInt8] {
    var response = [UInt8](repeating: 0, count: 4096)
    var size = response.count
    var code = tcti_transmit(context, command.count, command)
    if code == 0 { code = tcti_receive(context, &size, &response) }
    guard code == 0, size <= response.count else {
      throw TPMFailure("expected the TPM to answer, found it gone (0x\(String(code, radix: 16)))")
    }
    return Array(response.prefix(size))
  }
}
