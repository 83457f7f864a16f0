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
  /// How many pages were in the file when more were last asked for; nil where that is over.
  private var asked: Int?

  /// After a commit the log has so many `pages`, of which `brought` are in the file; nil while more are being brought.
  mutating func step(pages: Int, brought: Int?) -> Step {
    if pages < self.pages { (due, asked) = (LogUpkeep.length, nil) }
    self.pages = pages
    guard let brought, pages >= due else { return .nothing }
    guard let before = asked else { return most(brought) }
    if pages - brought <= LogUpkeep.little || pages >= LogUpkeep.limit { return pause(.rest) }
    // A reader is in the way, or the disk is full.
    return brought > before ? most(brought) : pause(.nothing)
  }

  /// What was brought of a log before this one says nothing.
  private mutating func most(_ brought: Int) -> Step {
    asked = brought < pages ? brought : 0
    return .most
  }

  private mutating func pause(_ step: Step) -> Step {
    (due, asked) = (pages + LogUpkeep.pause, nil)
    return step
  }
}
