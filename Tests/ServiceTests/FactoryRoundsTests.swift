import Enrollment
import Foundation
import MusterModel
import MusterTesting
import NIOCore
import Testing

@testable import muster

extension ServiceTests.FactoryTests {
  /// FACTORY_ROUNDS: how many kills (8); FACTORY_SEED: which ones (1).
  @Test func `eight stations and the service are killed at random moments, and nothing is lost or made twice`()
    async throws
  {
    let environment = ProcessInfo.processInfo.environment
    let rounds = environment["FACTORY_ROUNDS"].flatMap { Int($0) } ?? 8
    var random = SeededGenerator(seed: environment["FACTORY_SEED"].flatMap { UInt64($0) } ?? 1)
    try await ServedInstance.with { instance in
      var line = try await KilledLine(instance, boards: max(60, rounds * 6), self)
      for _ in 0..<rounds { try await line.round(&instance, &random) }
      try await line.finish(instance)
      try await line.expectEachOnce(instance, self)
    }
  }

  @Test func `of 64 connections that race for what an order has left, as many win as it has`() async throws {
    try await ServedInstance.with { instance in
      let (connections, left) = (64, 20)
      let station = try await station("line-1", order: "june", count: left, instance)
      let batch = newBatch()
      let bodies = try (0..<connections).map { try rowLine($0, board: $0, "meter-\($0)") }
      let (doors, open) = AsyncStream.makeStream(of: Void.self)
      let answers = try await withThrowingTaskGroup(of: String.self) { group in
        let (standing, stand) = AsyncStream.makeStream(of: Void.self)
        let gate = Task { for await _ in doors {} }
        for body in bodies {
          group.addTask { [instance] in
            try await Connection.parse(["--server", instance.service.server, "--identity", station]).withClient {
              // Each stands on its connection before any asks.
              let order: OrderSummary = try await $0.get("/v1/orders/june")
              #expect(order.made == 0)
              stand.yield()
              await gate.value
              let (pieces, send) = AsyncStream.makeStream(of: ByteBuffer.self)
              send.yield(ByteBuffer(string: body))
              send.finish()
              let answer = try await $0.stream("/v1/orders/june/enrollments", query: [("batch", batch)], pieces)
              return String(buffer: try await answer.collect(upTo: 1 << 20))
            }
          }
        }
        var count = 0
        for await _ in standing {
          count += 1
          if count == connections { break }
        }
        open.finish()
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let results = try answers.map { try #require($0.split(separator: "\n").last.flatMap { FlatObject($0.utf8) }) }
      #expect(results.count { $0.text("certificate") != nil } == left)
      #expect(results.count { $0.text("code") == "order-exhausted" } == connections - left)
      #expect(Set(results.compactMap { $0.number("row") }).count == connections)
      #expect(try await shown("june", instance).made == UInt64(left))
      try await expectOneIdentityEach(left, instance)
      try await instance.expectWholeLedger()
    }
  }
}

/// Eight stations, each with an order and a manifest; a part of the boards stands in the manifest of the next one too.
private struct KilledLine {
  private struct Station {
    let name: String
    let identity: String
    let manifest: String
    let out: String
    let boards: Set<Int>
    var process: StationProcess?
  }

  private static let count = 8
  private var stations: [Station] = []
  private let boards: Int

  /// `boards` for each station.
  init(_ instance: ServedInstance, boards: Int, _ tests: ServiceTests.FactoryTests) async throws {
    self.boards = boards
    for number in 0..<KilledLine.count {
      let name = "line-\(number)"
      let identity = try await tests.station(name, order: "order-\(number)", count: 10 * boards, instance)
      let first = number * boards
      let own = (first..<first + boards + boards / 4).map { $0 % (KilledLine.count * boards) }
      let manifest = try instance.folder.write(
        tests.csv(own.map { "cpu-serial:\(tests.board($0)),meter-\($0)" }), to: name + ".csv")
      stations.append(
        Station(
          name: name, identity: identity, manifest: manifest, out: instance.folder.file(name), boards: Set(own)))
    }
  }

  /// All are at work; one of them, or the service, is killed once a station has some boards more under way.
  mutating func round(_ instance: inout ServedInstance, _ random: inout SeededGenerator) async throws {
    for index in stations.indices where stations[index].process == nil {
      let station = stations[index]
      stations[index].process = try StationProcess(
        instance, station.identity, station.manifest, station.out, order: "order-\(index)")
    }
    let victim = Int.random(in: 0...KilledLine.count, using: &random)
    let watched = victim == KilledLine.count ? Int.random(in: 0..<KilledLine.count, using: &random) : victim
    let file = Bool.random(using: &random) ? "journal" : "made"
    let lines = Int.random(in: 1...boards, using: &random)
    _ = await stations[watched].process?.reached(lines, in: stations[watched].out + "/.station/" + file)
    if victim == KilledLine.count {
      try await instance.killAndStartAgain()
    } else {
      await stations[victim].process?.end(SIGKILL)
      stations[victim].process = nil
    }
  }

  /// Those that were killed go on, until all have come to their end.
  mutating func finish(_ instance: ServedInstance) async throws {
    for index in stations.indices {
      let station = stations[index]
      if let process = station.process { #expect([0, 3].contains(await process.ended()), "\(process.errors)") }
      // A run that is over finds all of its own there already.
      let again = try StationProcess(
        instance, station.identity, station.manifest, station.out, order: "order-\(index)")
      #expect([0, 3].contains(await again.ended()), "\(again.errors)")
    }
  }

  func expectEachOnce(_ instance: ServedInstance, _ tests: ServiceTests.FactoryTests) async throws {
    var made: [String: String] = [:]
    for station in stations {
      let folders = tests.folders(in: station.out)
      try tests.expectFolders(in: station.out, folders.count)
      for folder in folders {
        #expect(made.updateValue(station.name, forKey: folder) == nil, "\(folder) was made twice")
      }
      let refused = (try? String(contentsOfFile: station.out + "/refused.csv", encoding: .utf8)) ?? ""
      let rows = refused.split(separator: "\n").dropFirst()
      #expect(rows.count + folders.count == station.boards.count, "\(station.name)")
      #expect(rows.allSatisfy { $0.contains("hardware-provisioned") }, "\(station.name)")
    }
    #expect(made.count == KilledLine.count * boards)
    try await expectAnswered(made, instance)
    try await tests.expectOneIdentityEach(KilledLine.count * boards, instance)
    try await instance.expectWholeLedger()
  }

  /// What stands in a folder is what the service has: nothing that was answered is lost.
  private func expectAnswered(_ made: [String: String], _ instance: ServedInstance) async throws {
    let listed = try await instance.muster("certificate", "list", "--output", "json").succeeded()
    let serials = Set(
      try listed.split(separator: "\n")
        .map { try JSONDecoder().decode(CertificateSummary.self, from: Data($0.utf8)).serial })
    for (folder, station) in made {
      let path = instance.folder.file("\(station)/\(folder)/device.json")
      let file = try JSONDecoder().decode(DeviceFile.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(serials.contains(try #require(file.serial)), "\(folder)")
    }
  }
}
