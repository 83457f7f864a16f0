import AsyncHTTPClient
import Enrollment
import Foundation
import MusterModel
import NIOCore
import Synchronization

/// A run of a station: boards are sent while the answers to others come, on one connection, and what was made is put on
/// disk meanwhile. Where that breaks, what is not on disk is sent again on another, until the service is gone for too long.
struct StationRun: Sendable {
  let client: APIClient
  let rows: StationRows
  let order: OrderSummary
  let progress: RunProgress

  /// The most boards that are sent and not on disk as devices.
  private static let window = 1024
  /// How many devices are proved, written and synced together at most.
  private static let group = 256
  /// How long the service may be gone, or silent, before the run ends.
  private static let patience = Duration.seconds(30)
  private static let silence = Duration.seconds(15)

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
      } catch let failure as CommandFailure where !failure.isPassing {
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

  private enum Part: Sendable {
    /// Whether nothing is left to be sent.
    case fed(Bool)
    case answered
    case watched
  }

  /// One exchange, to its end. Whether everything is answered and nothing is left to be sent.
  private func exchange() async throws -> Bool {
    let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
    let (room, makeRoom) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    sent.begin()
    return try await withThrowingTaskGroup(of: Part.self) { group in
      group.addTask {
        defer { send.finish() }
        return .fed(try await feed(send, room))
      }
      group.addTask { try await watch() }
      group.addTask {
        defer { makeRoom.finish() }
        let body = try await client.stream(
          "/v1/orders/\(segment(order.name.text))/enrollments", query: [("batch", rows.batch.description)], pieces)
        try await answers(body, makeRoom)
        return .answered
      }
      var isFed = false
      for try await part in group {
        switch part {
        case .fed(let all): isFed = all
        case .answered: group.cancelAll()
        case .watched: break
        }
      }
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
  private func watch() async throws -> Part {
    while (try? await Task.sleep(for: .seconds(1))) != nil {
      if sent.silence > StationRun.silence { throw ServiceSilent() }
    }
    return .watched
  }

  private struct ServiceSilent: Error, CustomStringConvertible {
    let description = "no answer for 15 s"
  }

  // MARK: - Answers

  /// Takes the answers as they come; what was made is put on disk beside that, in groups of what has come meanwhile.
  private func answers(_ body: HTTPClientResponse.Body, _ makeRoom: AsyncStream<Void>.Continuation) async throws {
    let (news, tell) = AsyncStream.makeStream(of: RunFacts.self, bufferingPolicy: .bufferingNewest(1))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await keep(news, makeRoom) }
      group.addTask {
        defer { tell.finish() }
        var lines = AnswerLines(body)
        guard let head = try await lines.next() else { return }
        let facts = try RunFacts(head: head, rows, order, client)
        while let line = try await lines.next() {
          try await settle(line)
          tell.yield(facts)
        }
      }
      for try await _ in group {}
    }
  }

  private func keep(_ news: AsyncStream<RunFacts>, _ makeRoom: AsyncStream<Void>.Continuation) async throws {
    let proofs = StationProofs(client: client, order: order.name)
    for await facts in news {
      while true {
        let answered = sent.answered(upTo: StationRun.group)
        if answered.isEmpty { break }
        let devices = try await beside(answered) { try MadeDevice.checked($0.line, for: $0.board) }
        try await rows.made(try await proofs.proved(devices), facts)
        sent.settled(answered.map(\.board.number))
        makeRoom.yield()
        progress.show(await rows.counts, await rows.progress)
      }
      makeRoom.yield()
    }
  }

  /// What the line says of its board: it waits to be put on disk, is refused, or is to be asked for again.
  private func settle(_ line: [UInt8]) async throws {
    guard let object = FlatObject(line) else {
      throw CommandFailure("expected a row's result from the service, found something else")
    }
    guard let number = object.number("row") else {
      throw CommandFailure("the service did not read what was sent: \(object.text("reason") ?? "no reason")")
    }
    guard let board = sent.heard(of: number) else { return }
    guard let code = object.text("code") else { return sent.answer(SentBoards.Answer(board: board, line: object)) }
    guard object["retry"] != .bool(true) else {
      return progress.note("\(board.row.deviceID) is asked for again: \(code)")
    }
    try await rows.refuse(board.row.cells, code, object.text("reason") ?? "")
    sent.settled([number])
  }
}

extension MadeDevice {
  static func checked(_ line: FlatObject, for board: PendingBoard) throws -> MadeDevice {
    guard let device = MadeDevice(line, for: board) else {
      throw CommandFailure("expected what was asked for \(board.row.deviceID), and for its own key, found another")
    }
    return device
  }
}

/// The boards that were sent and are neither refused nor devices on disk.
private final class SentBoards: Sendable {
  /// A board that is a device, and what the service says of it.
  struct Answer: Sendable {
    let board: PendingBoard
    let line: FlatObject
  }

  private struct State {
    var boards: [UInt64: PendingBoard] = [:]
    /// Those of which nothing was heard.
    var unheard: Set<UInt64> = []
    var answered: [Answer] = []
    var last = ContinuousClock.now
    var answers = 0
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.boards.count } }
  var isEmpty: Bool { count == 0 }
  var answers: Int { state.withLock { $0.answers } }
  /// Since the last answer, or since something began to be waited for.
  var silence: Duration { state.withLock { $0.unheard.isEmpty ? .zero : $0.last.duration(to: .now) } }

  var boards: [PendingBoard] { state.withLock { $0.boards.values.sorted { $0.number < $1.number } } }

  /// On a new connection everything is asked for anew; how long nothing was heard goes on.
  func begin() {
    state.withLock { state in
      state.answered = []
      state.unheard = Set(state.boards.keys)
    }
  }

  func add(_ boards: [PendingBoard]) {
    state.withLock { state in
      if state.unheard.isEmpty { state.last = .now }
      for board in boards {
        state.boards[board.number] = board
        state.unheard.insert(board.number)
      }
    }
  }

  /// nil for one that is settled, or was answered already.
  func heard(of number: UInt64) -> PendingBoard? {
    state.withLock { state in
      state.last = .now
      state.answers += 1
      return state.unheard.remove(number).flatMap { state.boards[$0] }
    }
  }

  func answer(_ answer: Answer) { state.withLock { $0.answered.append(answer) } }

  /// Those that wait to be put on disk, in the order of their answers.
  func answered(upTo limit: Int) -> [Answer] {
    state.withLock { state in
      let first = Array(state.answered.prefix(limit))
      state.answered.removeFirst(first.count)
      return first
    }
  }

  func settled(_ numbers: [UInt64]) {
    state.withLock { state in
      for number in numbers { state.boards[number] = nil }
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
