import AsyncHTTPClient
import Enrollment
import Foundation
import MusterModel
import NIOCore
import Synchronization

/// A run of a station: boards are sent while the answers to others come, on one connection. Where that breaks, what was
/// not answered is sent again on another, until the service is gone for too long.
struct StationRun: Sendable {
  let client: APIClient
  let rows: StationRows
  let order: OrderSummary
  let progress: RunProgress

  /// The most boards that are sent and not answered.
  private static let window = 1024
  /// How many folders are synced together at most.
  private static let group = 512
  /// How long the service may be gone, or silent, before the run ends.
  private static let patience = Duration.seconds(30)
  private static let silence = Duration.seconds(15)
  /// The longest line of an answer, in bytes: a certificate and what is said of it, or two in the head.
  private static let lineLimit = 65_536

  private let sent = SentBoards()

  init(client: APIClient, rows: StationRows, order: OrderSummary, progress: RunProgress) {
    self.client = client
    self.rows = rows
    self.order = order
    self.progress = progress
  }

  func run() async throws -> RunCounts {
    var pause = Duration.milliseconds(100)
    while true {
      let before = sent.answers
      do {
        if try await exchange() { return try await rows.finish() }
      } catch let failure as CommandFailure {
        throw failure
      } catch {
        progress.note("the connection broke: \(error); going on")
      }
      if sent.answers > before { pause = .milliseconds(100) }
      guard sent.silence < StationRun.patience else {
        throw CommandFailure(
          "expected the service to answer, found it gone for 30 s: the same command goes on where this one stopped")
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(2))
    }
  }

  /// One exchange, to its end. Whether everything is answered and nothing is left to be sent.
  private func exchange() async throws -> Bool {
    let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
    let (room, makeRoom) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        defer { send.finish() }
        return try await feed(send, room)
      }
      group.addTask { try await watch() }
      let body = try await client.stream(
        "/v1/orders/\(segment(order.name.text))/enrollments", query: [("batch", rows.batch.description)], pieces)
      try await take(body, makeRoom)
      makeRoom.finish()
      let isFed = try await group.next() ?? false
      group.cancelAll()
      return isFed && sent.isEmpty
    }
  }

  /// Sends what was not answered before, then what comes next, as far as there is room. Whether that was all.
  private func feed(_ send: AsyncStream<ByteBuffer>.Continuation, _ room: AsyncStream<Void>) async throws -> Bool {
    let again = sent.boards
    if !again.isEmpty { send.yield(ByteBuffer(bytes: again.flatMap(\.line))) }
    var rooms = room.makeAsyncIterator()
    while true {
      while sent.count < StationRun.window {
        guard let boards = try await rows.next() else { return true }
        sent.add(boards)
        send.yield(ByteBuffer(bytes: boards.flatMap(\.line)))
      }
      guard await rooms.next() != nil else { return false }
    }
  }

  /// Ends the exchange where boards wait for an answer and none comes.
  private func watch() async throws -> Bool {
    while true {
      try await Task.sleep(for: .seconds(1))
      if !sent.isEmpty, sent.silence > StationRun.silence { throw ServiceSilent() }
    }
  }

  private struct ServiceSilent: Error, CustomStringConvertible {
    let description = "no answer for 15 s"
  }

  // MARK: - Answers

  private func take(_ body: HTTPClientResponse.Body, _ makeRoom: AsyncStream<Void>.Continuation) async throws {
    var line: [UInt8] = []
    var facts: RunFacts?
    var made: [MadeDevice] = []
    do {
      for try await piece in body {
        var rest = piece.readableBytesView[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          line += rest[..<end]
          rest = rest[(end + 1)...]
          if let facts = facts {
            if let device = try await settle(line, facts) { made.append(device) }
          } else {
            facts = try RunFacts(head: line, rows, order, client)
          }
          line.removeAll(keepingCapacity: true)
        }
        line += rest
        guard line.count <= StationRun.lineLimit else {
          throw CommandFailure("expected a row's result from the service, found a line without an end")
        }
        makeRoom.yield()
        guard let facts, made.count >= StationRun.group || sent.isEmpty else { continue }
        try await keep(&made, facts)
      }
    } catch {
      if let facts { try await keep(&made, facts) }
      throw error
    }
    if let facts { try await keep(&made, facts) }
  }

  /// The disk may take its time: that is not the service's silence.
  private func keep(_ made: inout [MadeDevice], _ facts: RunFacts) async throws {
    sent.isHeld = true
    defer { sent.isHeld = false }
    try await rows.made(made, facts)
    made = []
    await progress.show(rows)
  }

  /// What the line says of its board: the device that it became, or nothing, where it was refused or is to be asked again.
  private func settle(_ line: [UInt8], _ facts: RunFacts) async throws -> MadeDevice? {
    guard let object = FlatObject(line) else {
      throw CommandFailure("expected a row's result from the service, found something else")
    }
    guard let number = object.number("row") else {
      throw CommandFailure("the service did not read what was sent: \(object.text("reason") ?? "no reason")")
    }
    guard let board = sent.board(number) else { return nil }
    if let code = object.text("code") {
      guard object["retry"] != .bool(true) else {
        progress.note("\(board.row.deviceID) is asked for again: \(code)")
        return nil
      }
      try await rows.refuse(board.row.cells, code, object.text("reason") ?? "")
      sent.answered(number)
      return nil
    }
    guard let device = MadeDevice(object, for: board) else {
      throw CommandFailure("expected what was asked for \(board.row.deviceID), and for its own key, found another")
    }
    sent.answered(number)
    return device
  }
}

/// The boards that were sent and not answered.
private final class SentBoards: Sendable {
  private struct State {
    var boards: [UInt64: PendingBoard] = [:]
    var last = ContinuousClock.now
    var answers = 0
    var isHeld = false
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.boards.count } }
  var isEmpty: Bool { count == 0 }
  var answers: Int { state.withLock { $0.answers } }
  /// Since the last answer, or since something began to be waited for.
  var silence: Duration { state.withLock { $0.isHeld ? .zero : $0.last.duration(to: .now) } }

  /// Whether answers are not read for now.
  var isHeld: Bool {
    get { state.withLock { $0.isHeld } }
    set {
      state.withLock { state in
        state.isHeld = newValue
        state.last = .now
      }
    }
  }

  var boards: [PendingBoard] { state.withLock { $0.boards.values.sorted { $0.number < $1.number } } }

  func add(_ boards: [PendingBoard]) {
    state.withLock { state in
      if state.boards.isEmpty { state.last = .now }
      for board in boards { state.boards[board.number] = board }
    }
  }

  func board(_ number: UInt64) -> PendingBoard? { state.withLock { $0.boards[number] } }

  func answered(_ number: UInt64) {
    state.withLock { state in
      state.boards[number] = nil
      state.last = .now
      state.answers += 1
    }
  }
}

extension RunFacts {
  /// From the first line of an answer.
  init(head line: [UInt8], _ rows: StationRows, _ order: OrderSummary, _ client: APIClient) throws {
    struct Head: Decodable {
      let issuers: [Data]
      let trustAnchor: Data
    }
    guard let head = try? JSONDecoder().decode(Head.self, from: Data(line)) else {
      throw CommandFailure("expected a batch's head from the service, found something else")
    }
    self.init(
      order: rows.order, batch: rows.batch, group: order.group?.text, hub: order.hub?.text, hubHost: order.hubHost,
      server: client.server, issuers: head.issuers.map { PEM.certificate([UInt8]($0)) }.joined(),
      trustAnchor: PEM.certificate([UInt8](head.trustAnchor)))
  }
}
