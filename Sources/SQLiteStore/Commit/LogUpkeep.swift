/// How the write-ahead log is kept short, as a value. SQLite begins it anew where all of it was brought into the database's
/// file, and to bring all of it at once has the commits wait. So most of it is brought beside them, by another connection;
/// and what came meanwhile, which is little, between two of them.
struct LogUpkeep {
  enum Step: Hashable { case nothing, most, rest }

  /// In pages: how long the log grows before it is brought over. With fewer a page is written more often, with more those
  /// who read look through more of it.
  static let length = 4000
  /// What keeps nobody waiting.
  static let little = 500
  /// A log of this length is brought over whoever waits.
  static let limit = 4 * length
  /// How much a log that a reader still needs grows before it is tried again.
  private static let pause = 1000

  private var pages = 0
  private var due = LogUpkeep.length
  private var isUnderWay = false

  /// After a commit the log has so many `pages`, of which `brought` are in the file; nil while more are being brought.
  mutating func step(pages: Int, brought: Int?) -> Step {
    if pages < self.pages { (due, isUnderWay) = (LogUpkeep.length, false) }
    self.pages = pages
    guard let brought, pages >= due else { return .nothing }
    guard isUnderWay, pages - brought <= LogUpkeep.little || pages >= LogUpkeep.limit else {
      isUnderWay = true
      return .most
    }
    (due, isUnderWay) = (pages + LogUpkeep.pause, false)
    return .rest
  }
}
