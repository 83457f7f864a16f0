/// The profiles in force, by name.
public struct ProfileSet: Sendable {
  private let profiles: [String: Profile]

  public static let fileLimit = 64

  /// Reads all files or none. Throws the first fault with its file and line.
  public static func load(files: [(name: String, text: String)]) throws(ProfileError) -> ProfileSet {
    guard files.count <= fileLimit else {
      throw ProfileError(file: "profiles", line: 1, expected: "at most \(fileLimit) files", found: "\(files.count)")
    }
    var profiles: [String: Profile] = [:]
    for file in files {
      let profile = try ProfileReader.read(file: file.name, text: file.text)
      guard profiles.updateValue(profile, forKey: profile.name) == nil else {
        throw ProfileError(file: file.name, line: 1, expected: "each profile once", found: "\(profile.name) twice")
      }
    }
    return ProfileSet(profiles: profiles)
  }

  public subscript(name: String) -> Profile? { profiles[name] }
  public var names: [String] { profiles.keys.sorted() }
}
