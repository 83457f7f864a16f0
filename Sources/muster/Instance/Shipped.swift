/// The profiles and policies that the program carries: `PKI/` and `Policies/`, embedded by the build.
enum Shipped {
  static let profiles: [(name: String, bytes: [UInt8])] = [
    ("device.yaml", PackageResources.device_yaml), ("hub.yaml", PackageResources.hub_yaml),
    ("ocsp-responder.yaml", PackageResources.ocsp_responder_yaml),
    ("operator.yaml", PackageResources.operator_yaml), ("server.yaml", PackageResources.server_yaml),
  ]
  static let policies: [(name: String, bytes: [UInt8])] = [
    ("access.yaml", PackageResources.access_yaml), ("enrollment.yaml", PackageResources.enrollment_yaml),
    ("keys.yaml", PackageResources.keys_yaml),
  ]
  static let blockedKeys = PackageResources.blocked_keys_txt
  static let weakFirmware = PackageResources.weak_firmware_txt
}
