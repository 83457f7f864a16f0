/// The weak RSA keys of CVE-2017-15361 (ROCA), known by their modulus alone.
public enum ROCA {
  /// The generator makes primes k · M + (65537ᵃ mod M), M the product of the first 126 primes for keys from 1984 bits on. So
  /// the modulus is a power of 65537 modulo each of them, which another key is with a probability of about 2⁻¹⁵⁴ (Nemec et
  /// al., CCS 2017, §2.1). The modulus is most significant byte first.
  public static func isMarked(modulus: some Collection<UInt8>) -> Bool {
    residues.allSatisfy { prime, residues in
      residues.contains(modulus.reduce(0) { ($0 << 8 | UInt($1)) % prime })
    }
  }

  private static let residues: [(prime: UInt, residues: Set<UInt>)] = oddPrimes.map { prime in
    var residues: Set<UInt> = []
    var power: UInt = 1
    while residues.insert(power).inserted { power = power * 65537 % prime }
    return (prime, residues)
  }

  /// Those of the first 126 primes.
  private static let oddPrimes: [UInt] = stride(from: 3, to: 702, by: 2).filter { candidate in
    !stride(from: 3 as UInt, to: candidate, by: 2).contains { $0 * $0 <= candidate && candidate % $0 == 0 }
  }
}
