/// Where the parameters of a statement lie until it has run, so that SQLite copies and allocates none: a commit binds
/// hundreds of texts and blobs. What is bound ends with the statement's run, and the next binds all of its parameters anew.
final class ParameterSpace {
  private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 1)
  // Swift would check at each parameter that nobody else uses it: it is its connection's, and no call is made from within.
  @exclusivity(unchecked) private(set) var end = 0

  /// A copy that stays until `leave`; nil where there is no room.
  func keep(_ value: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
    // An address even for nothing: null would bind NULL.
    guard value.count < bytes.count - end, let start = bytes.baseAddress else { return nil }
    let place = start + end
    if let source = value.baseAddress { place.copyMemory(from: source, byteCount: value.count) }
    end += value.count
    return UnsafeRawPointer(place)
  }

  /// What was kept since `mark`, an earlier `end`, is not needed any more.
  func leave(to mark: Int) { end = mark }

  deinit { bytes.deallocate() }
}
