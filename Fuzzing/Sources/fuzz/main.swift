import Foundation
import FuzzTargets

// libFuzzer with one of the targets: `MUSTER_FUZZ_TARGET=NAME fuzz [libFuzzer's arguments]`; `fuzz list` names them all.
// The runtime that is linked has no main of its own.

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

if CommandLine.arguments.dropFirst() == ["list"] {
  for target in FuzzTarget.all { print(target.name, target.longest) }
  exit(0)
}

private let name = ProcessInfo.processInfo.environment["MUSTER_FUZZ_TARGET"] ?? ""
guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
  FileHandle.standardError.write(Data("fuzz: expected a target in MUSTER_FUZZ_TARGET, found \"\(name)\"\n".utf8))
  exit(2)
}

nonisolated(unsafe) private var run = target.run
private var count = CommandLine.argc
private var arguments = CommandLine.unsafeArgv
exit(
  runDriver(&count, &arguments) { start, count in
    do {
      _ = try run(Array(UnsafeBufferPointer(start: start, count: count)))
      return 0
    } catch {
      // A crash is how libFuzzer is told.
      fatalError("\(error)")
    }
  })
