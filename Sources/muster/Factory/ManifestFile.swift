import Foundation
import Manifests
import SQLiteStore

/// A manifest on disk, read piece by piece.
struct ManifestFile {
  private let file: FileHandle
  private let length: UInt64
  private var readLength: UInt64 = 0
  private var reader: ManifestReader
  private let requests: RequestFolder?
  private(set) var isAtEnd = false

  private static let piece = 1 << 16

  init(_ path: String, naming: DeviceIDPattern?, requests: RequestFolder? = nil) throws {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw CommandFailure("expected a manifest, found none that can be read at \(path)", status: 2)
    }
    self.file = file
    length = (try? file.seekToEnd()) ?? 0
    try file.seek(toOffset: 0)
    let names = try ScratchSet()
    reader = ManifestReader(naming: naming) { try names.insert($0) }
    self.requests = requests
  }

  /// How much of it is read, from 0 to 1.
  var progress: Double { length == 0 ? 1 : Double(readLength) / Double(length) }

  /// The lines that end in the next piece, those of boards with their requests; nil past the end.
  mutating func next() throws -> [ManifestLine]? {
    guard !isAtEnd else { return nil }
    let bytes = try file.read(upToCount: ManifestFile.piece) ?? Data()
    readLength += UInt64(bytes.count)
    do throws(ManifestError) {
      var lines = try reader.read(bytes)
      if bytes.isEmpty {
        isAtEnd = true
        if let last = try reader.finish() { lines.append(last) }
      }
      return lines.map { requests?.completing($0) ?? $0 }
    } catch {
      throw CommandFailure("\(error)", status: 2)
    }
  }
}
