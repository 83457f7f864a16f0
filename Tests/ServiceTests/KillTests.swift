import Enrollment
import Foundation
import MusterModel
import MusterTesting
import Testing

@testable import muster

extension ServiceTests {
  /// `kill -9` while devices enroll: what was answered is there afterwards, to the byte.
  @Suite struct KillTests {
    private struct Board: Sendable {
      let device: String
      let code: String
      let csr: [UInt8]
    }

    @Test func `nothing answered is lost when the service is killed while it enrolls`() async throws {
      let (rounds, boardsEach) = (8, 16)
      var random = SeededGenerator(seed: 20_261_124)
      var answered = 0
      try await ServedInstance.with { instance in
        for round in 0..<rounds {
          let boards = try await issueTickets(boardsEach, round, instance)
          let client = try instance.client()
          let first = await enroll(
            boards, client, killing: instance.service, after: .random(in: 0...12, using: &random))
          await client.shutdown()
          await instance.service.end(SIGKILL)
          answered += first.count
          try await instance.start()
          try await expectTheSame(boards, first, instance)
        }
        try await instance.expectWholeLedger()
        try await expectOneBindingEach(rounds * boardsEach, instance)
      }
      #expect(answered > 0 && answered < rounds * boardsEach, "the kills fell before or after everything")
    }

    @Test func `the chain of issuing CAs that a cut left as it was is brought to what the ledger says`() async throws {
      try await ServedInstance.with { instance in
        let file = instance.data + "/trust/chain.pem"
        let chain = try String(contentsOfFile: file, encoding: .utf8)
        await instance.service.end()
        for left in ["", "another"] {
          try left.write(toFile: file, atomically: true, encoding: .utf8)
          try await instance.start()
          #expect(try String(contentsOfFile: file, encoding: .utf8) == chain)
          await instance.service.end()
        }
        try await instance.start()
      }
    }

    private func issueTickets(_ count: Int, _ round: Int, _ instance: ServedInstance) async throws -> [Board] {
      let client = try instance.client(instance.administrator)
      var boards: [Board] = []
      for number in 0..<count {
        let device = "pump-\(round)-\(number)"
        let input = TicketInput(
          hardware: "cpu-serial:feed\(round)00000000\(String(number + 16, radix: 16))", deviceID: device, swap: nil,
          validSeconds: nil, group: nil)
        let answer = try await client.json(.POST, "/v1/tickets", input)
        try #require(answer.status == 200, "\(answer.text)")
        let ticket = try JSONDecoder().decode(IssuedTicket.self, from: Data(answer.body))
        boards.append(Board(device: device, code: ticket.code, csr: try PeerKey().request(commonName: device)))
      }
      await client.shutdown()
      return boards
    }

    /// Eight at a time; once `count` were answered the service is killed, whatever the others are at.
    private func enroll(
      _ boards: [Board], _ client: TestClient, killing service: ServiceProcess, after count: Int
    ) async -> [String: [UInt8]] {
      if count == 0 { kill(service.pid, SIGKILL) }
      return await withTaskGroup(of: (String, [UInt8])?.self) { group in
        var waiting = boards[...]
        func next() {
          guard let board = waiting.popFirst() else { return }
          group.addTask {
            guard let answer = try? await client.enroll(board.device, board.code, board.csr), answer.status == 200
            else {
              return nil
            }
            return (board.device, answer.body)
          }
        }
        for _ in 0..<8 { next() }
        var answers: [String: [UInt8]] = [:]
        for await answered in group {
          if let (device, body) = answered { answers[device] = body }
          if answers.count == count { kill(service.pid, SIGKILL) }
          next()
        }
        return answers
      }
    }

    private func expectTheSame(
      _ boards: [Board], _ before: [String: [UInt8]], _ instance: ServedInstance
    ) async throws {
      let client = try instance.client()
      for board in boards {
        let again = try await client.enroll(board.device, board.code, board.csr)
        #expect(again.status == 200, "\(board.device): \(again.text)")
        if let answered = before[board.device] {
          #expect(again.body == answered, "\(board.device) has another certificate")
        }
        let thief = try await client.enroll(board.device, board.code, try PeerKey().request(commonName: board.device))
        #expect(thief.status == 409)
      }
      await client.shutdown()
    }

    private func expectOneBindingEach(_ count: Int, _ instance: ServedInstance) async throws {
      let devices = try await instance.muster("device", "list", "--output", "json").succeeded().split(separator: "\n")
        .map { try JSONDecoder().decode(DeviceSummary.self, from: Data($0.utf8)) }
      #expect(devices.count == count && Set(devices.map(\.deviceID)).count == count)
      #expect(devices.allSatisfy { $0.generation == 1 })
      let certificates = try await instance.muster("certificate", "list", "--output", "json").succeeded()
        .split(separator: "\n").map { try JSONDecoder().decode(CertificateSummary.self, from: Data($0.utf8)) }
      let live = certificates.filter { $0.profile == "device" && $0.status == .good }.compactMap(\.subject)
      #expect(live.count == count && Set(live).count == count, "a device has two certificates")
    }
  }
}
