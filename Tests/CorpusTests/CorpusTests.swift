import Foundation
import Testing

/// What the fuzzer's targets hold, held in every run: for each file of the corpora, and for what is near it.
@Suite struct CorpusTests {
  static let mutations = 100

  @Test(arguments: FuzzTarget.all)
  func `what must hold of a parser holds for its corpus and what is near it`(target: FuzzTarget) throws {
    let corpus = try Corpus(target)
    let taken = try corpus.files.filter { try run(target, $0.bytes, $0.name) }
    #expect(!taken.isEmpty, "a corpus of which nothing is read tests little")
    var mutation = Mutation(seed: 1)
    for (index, file) in corpus.files.enumerated() {
      let other = corpus.files[(index + 1) % corpus.files.count].bytes
      for round in 0..<CorpusTests.mutations {
        let bytes = mutation.mutate(file.bytes, with: other, upTo: target.longest)
        _ = try run(target, bytes, "mutation \(round) of \(file.name)")
      }
    }
  }

  @Test func `each corpus has its target`() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Corpus.root.path).filter { !$0.contains(".") }
    #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
    #expect(Set(FuzzTarget.all.map(\.name)).count == FuzzTarget.all.count)
  }

  private func run(_ target: FuzzTarget, _ bytes: [UInt8], _ name: String) throws -> Bool {
    do {
      return try target.run(bytes)
    } catch {
      Issue.record("\(target.name), \(name): \(error); bytes in base64: \(Data(bytes).base64EncodedString())")
      return false
    }
  }
}

/// The files of one target's folder, in the order of their names.
private struct Corpus {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fuzzing/Corpora")

  let files: [(name: String, bytes: [UInt8])]

  init(_ target: FuzzTarget) throws {
    let folder = Corpus.root.appending(path: target.name)
    files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
      (name, [UInt8](try Data(contentsOf: folder.appending(path: name))))
    }
  }
}
