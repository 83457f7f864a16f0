import KeyVault
import MusterModel
import Testing

/// The states of a device's key, as `Docs/key-rings.md` has them.
@Suite struct DeviceKeyVersionTests {
  private func states(
    primary: UInt32 = 4, secondary: UInt32? = 3, last: UInt32 = 4, unheard: UInt32? = nil, isBound: Bool = true,
    isEnabled: Bool = true
  ) -> [KeyState] {
    DeviceKeyStanding(
      primary: .init(version: primary, check: "p"), secondary: secondary.map { .init(version: $0, check: "s") },
      last: last, proved: 3, unheard: unheard, isBound: isBound, isEnabled: isEnabled
    ).versions.map(\.state)
  }

  @Test func `what a device has is active, and what it has no more is destroyed`() {
    #expect(states() == [.active, .active, .destroyed, .destroyed])
    #expect(states(secondary: nil) == [.active, .destroyed, .destroyed, .destroyed])
    #expect(states(primary: 2, secondary: 1, last: 3) == [.destroyed, .active, .active], "a rollover was put back")
  }

  @Test func `what nobody was handed is not active yet, and of a disabled device nothing is`() {
    #expect(states(unheard: 4) == [.preActivation, .active, .destroyed, .destroyed])
    #expect(states(isEnabled: false) == [.suspended, .suspended, .destroyed, .destroyed])
    #expect(states(unheard: 4, isEnabled: false).first == .preActivation)
  }

  @Test func `the keys of hardware that left the device are deactivated, enabled or not`() {
    #expect(states(isBound: false) == [.deactivated, .deactivated, .destroyed, .destroyed])
    #expect(states(isBound: false, isEnabled: false).prefix(2) == [.deactivated, .deactivated])
  }

  @Test func `of a device whose keys were destroyed all are`() {
    let standing = DeviceKeyStanding(
      primary: nil, secondary: nil, last: 2, proved: 2, unheard: nil, isBound: false, isEnabled: false)
    #expect(standing.versions.map(\.state) == [.destroyed, .destroyed])
    #expect(standing.versions.allSatisfy { $0.check == nil && $0.slot == nil })
  }

  @Test func `a version has its slot, its check and whether it was proved last, and few are told`() throws {
    let standing = DeviceKeyStanding(
      primary: .init(version: 40, check: "p"), secondary: .init(version: 39, check: "s"), last: 40, proved: 39,
      unheard: nil, isBound: true, isEnabled: true)
    let versions = standing.versions
    #expect(versions.count == 32 && versions.map(\.number) == (9...40).reversed())
    #expect(versions.prefix(3).map(\.slot) == [.primary, .secondary, nil])
    #expect(versions.prefix(3).map(\.check) == ["p", "s", nil])
    #expect(versions.filter(\.isProved).map(\.number) == [39])
  }
}
