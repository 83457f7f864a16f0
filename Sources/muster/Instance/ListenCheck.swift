import Foundation
import HTTPService
import NIOCore
import NIOPosix

/// Finds out whether the addresses can be listened on, before the start is recorded: what cannot be is told by its
/// option's name.
enum ListenCheck {
  typealias Wanted = (option: String, address: Listening.Address)

  /// All of them are bound at once, so that two that are the same are found, and let go of again.
  static func check(_ wanted: [Wanted]) async throws {
    var bound: [any Channel] = []
    let outcome: Result<Void, CommandFailure>
    do throws(CommandFailure) {
      for (option, address) in wanted { bound.append(try await bind(option, address)) }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    for channel in bound { try? await channel.close() }
    try outcome.get()
  }

  private static func bind(_ option: String, _ address: Listening.Address) async throws(CommandFailure) -> any Channel {
    do {
      return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .bind(host: address.host, port: address.port).get()
    } catch {
      let why = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
      throw CommandFailure(
        "expected to listen on \(address.text), found: \(why); end what is there, or give another \(option) HOST:PORT")
    }
  }
}

extension Listening.Address {
  /// `HOST:PORT`, the host of IPv6 in brackets.
  var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
