import Foundation

/// The right to write to a data folder, held by at most one process: `flock` on the folder's `lock` file. The system
/// lets go of it when the process ends, however it ends.
public final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Throws `StoreError.folderInUse` with the holder's process ID where another has it.
  public init(_ folder: DataFolder) throws(StoreError) {
    // O_CLOEXEC: a child must not keep the folder locked after us.
    let descriptor = open(folder.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .folderUnusable(path: folder.path, why: String(cString: strerror(errno))) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let holder = FolderLock.holder(descriptor)
      close(descriptor)
      throw .folderInUse(path: folder.path, holder: holder)
    }
    self.descriptor = descriptor
    let line = Array("\(getpid())\n".utf8)
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, line, line.count, 0) == line.count else {
      throw .folderUnusable(path: folder.path, why: String(cString: strerror(errno)))
    }
  }

  private static func holder(_ descriptor: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    return Int32(String(decoding: bytes.prefix(count), as: UTF8.self).filter { $0 != "\n" })
  }

  deinit { close(descriptor) }
}
