// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Section numbers are those of RFC 8878.
#include "azimuthal/zstd.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "azimuthal/bytes.hpp"

namespace azimuthal {
namespace {

constexpr std::uint32_t kMagic = 0xFD2FB528u;
constexpr std::uint32_t kSkippable = 0x184D2A50u;  // and the fifteen numbers that follow
constexpr std::size_t kLargestBlock = std::size_t{1} << 17;
constexpr unsigned kHuffmanBits = 11;
constexpr unsigned kWeightsLog = 6;

// What is left of the input: every step says how much it takes.
struct Input {
  const std::uint8_t* at;
  const std::uint8_t* end;

  std::size_t size() const noexcept { return static_cast<std::size_t>(end - at); }
  bool has(std::uint64_t n) const noexcept { return n <= size(); }
  // The next n <= 8 bytes, little-endian, which the caller knows to be there.
  std::uint64_t take(std::size_t n) noexcept {
    const std::uint64_t value = load_le(at, n);
    at += n;
    return value;
  }
};

// A stream of bits that is read from its end to its beginning (4.1.1). Reading beyond the beginning gives any bits,
// which is found out at the end: `over` or `finished` tell.
class BackwardBits {
 public:
  bool start(const std::uint8_t* in, std::size_t n) noexcept {
    if (n == 0 || in[n - 1] == 0) return false;
    first_ = in;
    used_ = static_cast<unsigned>(std::countl_zero(in[n - 1])) + 1;  // the highest set bit marks the end
    if (n >= 8) {
      at_ = in + n - 8;
      word_ = load_le64(at_);
    } else {
      at_ = in;
      word_ = load_le(in, n);
      used_ += static_cast<unsigned>(8 * (8 - n));
    }
    return true;
  }

  // Afterwards 57 bits can be read, or all that are left.
  void refill() noexcept {
    if (at_ - first_ >= 8) {
      at_ -= used_ >> 3;  // at most 8: no more than 64 bits have been used as long as there are bytes left
    } else {
      const std::size_t n = std::min<std::size_t>(used_ >> 3, static_cast<std::size_t>(at_ - first_));
      if (n == 0) return;
      at_ -= n;
      used_ -= static_cast<unsigned>(8 * n);
      word_ = load_le64(at_);
      return;
    }
    used_ &= 7;
    word_ = load_le64(at_);
  }

  // n <= 57; zeros follow after the beginning of the stream.
  std::uint64_t peek(unsigned n) const noexcept { return (word_ << (used_ & 63)) >> 1 >> (63 - n); }
  void skip(unsigned n) noexcept { used_ += n; }
  std::uint64_t read(unsigned n) noexcept {
    const std::uint64_t value = peek(n);
    used_ += n;
    return value;
  }

  // For FastBits, after a refill: bytes before the word, where it is and how much of it has been used.
  std::size_t before() const noexcept { return static_cast<std::size_t>(at_ - first_); }
  const std::uint8_t* at() const noexcept { return at_; }
  unsigned used() const noexcept { return used_; }
  void resume(const std::uint8_t* at, unsigned used) noexcept {
    at_ = at;
    word_ = load_le64(at);
    used_ = used;
  }

  bool far_from_beginning() const noexcept { return at_ - first_ >= 8; }
  bool over() const noexcept { return used_ > 64; }
  bool finished() const noexcept { return at_ == first_ && used_ == 64; }

 private:
  const std::uint8_t* first_ = nullptr;
  const std::uint8_t* at_ = nullptr;  // where word_ was loaded; there are eight bytes, or the stream is shorter
  std::uint64_t word_ = 0;
  unsigned used_ = 64;  // bits of word_, from the highest
};

// ---- FSE tables (4.1) ----

struct FseState {
  std::uint16_t next;  // of the following state; its low bits are read
  std::uint8_t n_bits;
  std::uint8_t symbol;
};

// Fills 1 << log states from normalized counts (-1: less than one), whose sum is 1 << log.
constexpr void build_fse(const std::int16_t* counts, unsigned n_symbols, unsigned log, FseState* states) noexcept {
  const unsigned size = 1u << log, mask = size - 1;
  std::uint16_t following[64] = {};
  unsigned high = size;
  for (unsigned s = 0; s < n_symbols; ++s) {
    if (counts[s] == -1) {
      states[--high].symbol = static_cast<std::uint8_t>(s);
      following[s] = 1;
    } else {
      following[s] = static_cast<std::uint16_t>(counts[s]);
    }
  }
  const unsigned step = (size >> 1) + (size >> 3) + 3;
  unsigned at = 0;
  for (unsigned s = 0; s < n_symbols; ++s) {
    for (int k = 0; k < counts[s]; ++k) {
      states[at].symbol = static_cast<std::uint8_t>(s);
      do at = (at + step) & mask;
      while (at >= high);
    }
  }
  for (unsigned k = 0; k < size; ++k) {
    const unsigned number = following[states[k].symbol]++;
    const unsigned n_bits = log + 1 - static_cast<unsigned>(std::bit_width(number));
    states[k].n_bits = static_cast<std::uint8_t>(n_bits);
    states[k].next = static_cast<std::uint16_t>((number << n_bits) - size);
  }
}

// Reads the description of a table (4.1.1): counts of at most n_symbols symbols, those not named are zero. The bytes
// that it took are taken off the input.
bool read_counts(Input& input, unsigned largest_log, unsigned n_symbols, std::int16_t* counts, unsigned& log) noexcept {
  std::fill(counts, counts + n_symbols, std::int16_t{0});
  std::size_t position = 0;  // in bits
  const std::size_t n_bits_in = 8 * std::min<std::size_t>(input.size(), 512);
  auto peek = [&](unsigned n) noexcept {
    const std::size_t byte = position / 8;
    const std::uint8_t* from = input.at + std::min(byte, input.size());
    const std::uint64_t bits = load_le(from, std::min<std::size_t>(4, static_cast<std::size_t>(input.end - from)));
    return static_cast<unsigned>(bits >> (position % 8)) & ((1u << n) - 1);
  };
  log = peek(4) + 5;
  position += 4;
  if (log > largest_log) return false;
  int left = (1 << log) + 1, threshold = 1 << log;
  unsigned n_bits = log + 1, symbol = 0;
  while (left > 1) {
    if (symbol >= n_symbols || position > n_bits_in) return false;
    // Values below `small` take one bit less.
    const int small = 2 * threshold - 1 - left;
    int value = static_cast<int>(peek(n_bits - 1));
    if (value < small) {
      position += n_bits - 1;
    } else {
      value = static_cast<int>(peek(n_bits));
      if (value >= threshold) value -= small;
      position += n_bits;
    }
    const int count = value - 1;
    left -= count < 0 ? 1 : count;
    counts[symbol++] = static_cast<std::int16_t>(count);
    if (count == 0) {
      for (unsigned zeros = 3; zeros == 3;) {
        if (position > n_bits_in) return false;
        zeros = peek(2);
        position += 2;
        symbol += zeros;
      }
      if (symbol > n_symbols) return false;
    }
    while (left < threshold && threshold > 1) {
      threshold >>= 1;
      --n_bits;
    }
  }
  if (left != 1 || position > n_bits_in) return false;
  input.at += (position + 7) / 8;
  return true;
}

// ---- literals (3.1.1.3.1, 4.2) ----

// Indexed with the next kHuffmanBits bits, also where no code is as long: so the shift is a constant.
struct HuffmanTable {
  bool is_set;
  std::uint16_t entries[1u << kHuffmanBits];  // symbol | number of bits << 8

  // `weights` has room for one more than n <= 255: the last is not stored (4.2.1).
  bool build(std::uint8_t* weights, unsigned n) noexcept {
    is_set = false;
    std::uint32_t counts[kHuffmanBits + 1] = {}, others[kHuffmanBits + 1] = {};  // of two, not to wait for each other
    for (unsigned s = 0; s < n; ++s) {
      if (weights[s] > kHuffmanBits) return false;
      ++(s % 2 == 0 ? counts : others)[weights[s]];
    }
    std::uint32_t total = 0;
    for (unsigned w = 0; w <= kHuffmanBits; ++w) {
      counts[w] += others[w];
      total += counts[w] * ((1u << w) >> 1);
    }
    const auto log = static_cast<unsigned>(std::bit_width(total));
    if (total == 0 || log > kHuffmanBits) return false;
    const std::uint32_t rest = (1u << log) - total;
    if (!std::has_single_bit(rest)) return false;
    weights[n] = static_cast<std::uint8_t>(std::bit_width(rest));
    ++counts[weights[n++]];
    // Symbols in the order of their weights, then by their number; those of weight 0 have no code.
    std::uint32_t position[kHuffmanBits + 1] = {};
    for (unsigned w = 1; w <= kHuffmanBits; ++w) position[w] = position[w - 1] + counts[w - 1];
    std::uint8_t symbols[256];
    for (unsigned s = 0; s < n; ++s) symbols[position[weights[s]]++] = static_cast<std::uint8_t>(s);
    const std::uint8_t* symbol = symbols + counts[0];
    std::uint16_t* to = entries;
    for (unsigned w = 1; w <= log; ++w) {
      const unsigned n_bits = log + 1 - w, count = 1u << (kHuffmanBits - n_bits);
      for (unsigned k = 0; k < counts[w]; ++k) {
        to = fill(to, count, static_cast<std::uint16_t>(*symbol++ | n_bits << 8));
      }
    }
    is_set = true;
    return true;
  }

 private:
  static std::uint16_t* fill(std::uint16_t* to, unsigned count, std::uint16_t entry) noexcept {
    if (count < 4) {
      for (unsigned k = 0; k < count; ++k) to[k] = entry;
    } else {
      const std::uint64_t four = entry * 0x0001000100010001ULL;
      for (unsigned k = 0; k < count; k += 4) std::memcpy(to + k, &four, 8);
    }
    return to + count;
  }
};

struct SequenceState {
  std::uint32_t base;
  std::uint16_t next;
  std::uint8_t n_bits, extra_bits;
};

struct Workspace {
  std::uint8_t literals[kLargestBlock + kSlack];
  HuffmanTable huffman;
  SequenceState literal_lengths[512], offsets[256], match_lengths[512];
};

// The two states of weights take turns until the stream has not enough bits for the next step (4.2.1.2).
bool read_fse_weights(Input input, std::uint8_t* weights, unsigned& n) noexcept {
  constexpr unsigned kWeights = kHuffmanBits + 1;
  std::int16_t counts[kWeights];
  unsigned log = 0;
  if (!read_counts(input, kWeightsLog, kWeights, counts, log)) return false;
  FseState states[1u << kWeightsLog];
  build_fse(counts, kWeights, log, states);
  BackwardBits bits;
  if (!bits.start(input.at, input.size())) return false;
  std::uint64_t now = bits.read(log), other = bits.read(log);
  if (bits.over()) return false;
  n = 0;
  auto step = [&]() noexcept {
    const FseState& state = states[now];
    weights[n++] = state.symbol;
    now = state.next + bits.read(state.n_bits);
    std::swap(now, other);
  };
  constexpr unsigned kAtOnce = 8;
  static_assert(kAtOnce * kWeightsLog <= 57);
  while (bits.far_from_beginning() && n < 254 - kAtOnce) {
    bits.refill();
    for (unsigned k = 0; k < kAtOnce; ++k) step();
  }
  while (n < 254) {
    bits.refill();
    step();
    if (bits.over()) {
      weights[n++] = states[now].symbol;  // of the state that did not ask for more
      return true;
    }
  }
  return false;
}

bool read_huffman_table(Input& input, HuffmanTable& table) noexcept {
  if (!input.has(1)) return false;
  const auto header = static_cast<unsigned>(input.take(1));
  std::uint8_t weights[256] = {};
  unsigned n = 0;
  if (header < 128) {
    if (!input.has(header) || !read_fse_weights({input.at, input.at + header}, weights, n)) return false;
    input.at += header;
  } else {
    n = header - 127;
    if (!input.has((n + 1) / 2)) return false;
    for (unsigned s = 0; s < n; ++s) weights[s] = s % 2 == 0 ? input.at[s / 2] >> 4 : input.at[s / 2] & 15;
    input.at += (n + 1) / 2;
  }
  return table.build(weights, n);
}

constexpr unsigned kSymbolsPerRefill = 5;
static_assert(kSymbolsPerRefill * kHuffmanBits <= 57);

inline std::uint8_t next_symbol(BackwardBits& bits, const std::uint16_t* entries) noexcept {
  const std::uint16_t entry = entries[bits.peek(kHuffmanBits)];
  bits.skip(entry >> 8);
  return static_cast<std::uint8_t>(entry);
}

// The symbols [to, end) of one stream, which must end with them.
bool finish_stream(BackwardBits& bits, const std::uint16_t* entries, std::uint8_t* to,
                   const std::uint8_t* end) noexcept {
  while (end - to >= kSymbolsPerRefill) {
    bits.refill();
    for (unsigned k = 0; k < kSymbolsPerRefill; ++k) to[k] = next_symbol(bits, entries);
    to += kSymbolsPerRefill;
  }
  bits.refill();
  while (to < end) *to++ = next_symbol(bits, entries);
  bits.refill();
  return bits.finished();
}

// BackwardBits far from the beginning, in two registers: bits that were used are shifted out, and a bit that was set
// below the others tells how many.
class FastBits {
 public:
  explicit FastBits(const BackwardBits& bits) noexcept : at_(bits.at()) { load(bits.used()); }
  void refill() noexcept {
    const auto used = static_cast<unsigned>(std::countr_zero(word_));
    at_ -= used >> 3;
    load(used & 7);
  }
  std::uint8_t next_symbol(const std::uint16_t* entries) noexcept {
    const std::uint16_t entry = entries[word_ >> (64 - kHuffmanBits)];
    word_ <<= entry >> 8;
    return static_cast<std::uint8_t>(entry);
  }
  const std::uint8_t* at() const noexcept { return at_; }
  unsigned used() const noexcept { return static_cast<unsigned>(std::countr_zero(word_)); }

 private:
  void load(unsigned used) noexcept { word_ = (load_le64(at_) | 1) << used; }

  const std::uint8_t* at_;
  std::uint64_t word_;
};
static_assert(kSymbolsPerRefill * kHuffmanBits + 7 < 64);  // the mark stays

bool decode_four_streams(Input input, const std::uint16_t* entries, std::uint8_t* out, std::size_t n_out) noexcept {
  constexpr std::size_t kJumps = 6;
  const std::size_t quarter = (n_out + 3) / 4;
  if (!input.has(kJumps) || 3 * quarter > n_out) return false;
  std::size_t sizes[4] = {};
  for (unsigned k = 0; k < 3; ++k) sizes[k] = static_cast<std::size_t>(input.take(2));
  if (!input.has(sizes[0] + sizes[1] + sizes[2])) return false;
  sizes[3] = input.size() - sizes[0] - sizes[1] - sizes[2];
  BackwardBits bits[4];
  for (unsigned k = 0; k < 4; ++k) {
    if (!bits[k].start(input.at, sizes[k])) return false;
    bits[k].refill();
    input.at += sizes[k];
  }
  // Side by side, because each symbol waits for the one before it in its stream.
  std::size_t at = 0;
  const std::size_t shortest = n_out - 3 * quarter;
  for (;;) {
    // A step takes at most seven bytes, and eight must remain to be loaded.
    std::size_t n_steps = (shortest - at) / kSymbolsPerRefill;
    for (const BackwardBits& stream : bits) n_steps = std::min(n_steps, stream.before() / 8);
    if (n_steps == 0) break;
    FastBits a(bits[0]), b(bits[1]), c(bits[2]), d(bits[3]);
    std::uint8_t* to = out + at;
    at += n_steps * kSymbolsPerRefill;
    for (; n_steps > 0; --n_steps) {
      for (unsigned k = 0; k < kSymbolsPerRefill; ++k) {
        to[k] = a.next_symbol(entries);
        to[quarter + k] = b.next_symbol(entries);
        to[2 * quarter + k] = c.next_symbol(entries);
        to[3 * quarter + k] = d.next_symbol(entries);
      }
      to += kSymbolsPerRefill;
      a.refill(), b.refill(), c.refill(), d.refill();
    }
    bits[0].resume(a.at(), a.used());
    bits[1].resume(b.at(), b.used());
    bits[2].resume(c.at(), c.used());
    bits[3].resume(d.at(), d.used());
  }
  bool fine = true;
  for (unsigned k = 0; k < 4; ++k) {
    fine = fine && finish_stream(bits[k], entries, out + k * quarter + at,
                                 k < 3 ? out + (k + 1) * quarter : out + n_out);
  }
  return fine;
}

// Literals of a block: `readable` bytes from `at` on may be read, `size` are literals.
struct Literals {
  const std::uint8_t* at = nullptr;
  std::size_t size = 0, readable = 0;
};

bool read_literals(Input& input, Workspace& work, Literals& literals) noexcept {
  if (!input.has(1)) return false;
  const unsigned type = input.at[0] & 3u, format = input.at[0] >> 2 & 3u;
  if (type < 2) {  // raw, or one byte repeated
    const std::size_t n_header = format == 1 ? 2 : format == 3 ? 3 : 1;
    if (!input.has(n_header)) return false;
    const auto size = static_cast<std::size_t>(input.take(n_header) >> (format % 2 == 0 ? 3 : 4));
    if (size > kLargestBlock || !input.has(type == 0 ? size : 1)) return false;
    if (type == 0) {
      literals = {input.at, size, input.size()};
      input.at += size;
    } else {
      std::memset(work.literals, *input.at++, size);
      literals = {work.literals, size, sizeof work.literals};
    }
    return true;
  }
  const std::size_t n_header = format < 2 ? 3 : format + 2;
  const unsigned n_bits = format < 2 ? 10 : format == 2 ? 14 : 18;
  if (!input.has(n_header)) return false;
  const std::uint64_t header = input.take(n_header) >> 4;
  const auto size = static_cast<std::size_t>(header & ((1u << n_bits) - 1));
  const auto n_in = static_cast<std::size_t>(header >> n_bits);
  if (size > kLargestBlock || !input.has(n_in)) return false;
  Input streams{input.at, input.at + n_in};
  input.at += n_in;
  if (type == 2 && !read_huffman_table(streams, work.huffman)) return false;
  if (!work.huffman.is_set) return false;  // that of the block before, and there is none
  literals = {work.literals, size, sizeof work.literals};
  if (format != 0) return decode_four_streams(streams, work.huffman.entries, work.literals, size);
  BackwardBits bits;
  return bits.start(streams.at, streams.size()) &&
         finish_stream(bits, work.huffman.entries, work.literals, work.literals + size);
}

// ---- sequences (3.1.1.3.2) ----

// What a kind of code stands for: the base and the number of bits that are added to it.
template <std::size_t kSize>
struct Codes {
  std::array<std::uint32_t, kSize> base{};
  std::array<std::uint8_t, kSize> extra_bits{};
};

template <std::size_t kSize>
constexpr Codes<kSize> codes_of(std::uint32_t first, const std::array<std::uint8_t, kSize>& extra_bits) {
  Codes<kSize> codes;
  codes.extra_bits = extra_bits;
  for (std::size_t k = 0; k < kSize; ++k) {
    codes.base[k] = first;
    first += 1u << extra_bits[k];
  }
  return codes;
}

constexpr auto kLiteralLengths = codes_of<36>(
    0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
constexpr auto kMatchLengths = codes_of<53>(
    3, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0, 0,
        1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
constexpr auto kOffsets = codes_of<32>(1, {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                           16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31});

template <std::size_t kSize>
constexpr void build_sequence_table(const std::int16_t* counts, unsigned log, const Codes<kSize>& codes,
                                    SequenceState* table) noexcept {
  FseState states[512] = {};
  build_fse(counts, kSize, log, states);
  for (unsigned k = 0; k < 1u << log; ++k) {
    const FseState& state = states[k];
    table[k] = {codes.base[state.symbol], state.next, state.n_bits, codes.extra_bits[state.symbol]};
  }
}

template <unsigned kLog, std::size_t kSize>
constexpr std::array<SequenceState, (1u << kLog)> predefined(const Codes<kSize>& codes,
                                                            const std::array<std::int16_t, kSize>& counts) {
  std::array<SequenceState, (1u << kLog)> table{};
  build_sequence_table(counts.data(), kLog, codes, table.data());
  return table;
}

// 3.1.1.3.2.2; the last three offset codes never occur in what is predefined.
constexpr auto kPredefinedLiteralLengths =
    predefined<6, 36>(kLiteralLengths, {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1,  2,  2,
                                        2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1});
constexpr auto kPredefinedMatchLengths =
    predefined<6, 53>(kMatchLengths, {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1,  1,  1,  1,  1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1});
constexpr auto kPredefinedOffsets =
    predefined<5, 32>(kOffsets, {1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1,  1,  1,  1,  1, 1,
                                 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, 0, 0, 0});

struct SequenceTable {
  const SequenceState* states = nullptr;
  unsigned log = 0;
};

template <std::size_t kSize>
bool read_sequence_table(Input& input, unsigned mode, unsigned largest_log, const Codes<kSize>& codes,
                         SequenceTable basic, SequenceState* own, SequenceTable& table) noexcept {
  switch (mode) {
    case 0: table = basic; return true;
    case 1: {  // one symbol
      if (!input.has(1)) return false;
      const auto symbol = static_cast<std::size_t>(input.take(1));
      if (symbol >= kSize) return false;
      own[0] = {codes.base[symbol], 0, 0, codes.extra_bits[symbol]};
      table = {own, 0};
      return true;
    }
    case 2: {
      std::int16_t counts[kSize];
      unsigned log = 0;
      if (!read_counts(input, largest_log, kSize, counts, log)) return false;
      build_sequence_table(counts, log, codes, own);
      table = {own, log};
      return true;
    }
    default: return table.states != nullptr;  // that of the block before
  }
}

// What a frame remembers from block to block.
struct Frame {
  const std::uint8_t* first = nullptr;  // byte that it wrote
  std::uint64_t offsets[3] = {1, 4, 8};
  SequenceTable literal_lengths, offset_codes, match_lengths;
};

// The offset that `value` means after what came before (3.1.1.5); 0 is damaged.
inline std::uint64_t resolve_offset(std::uint64_t (&last)[3], std::uint64_t value, bool no_literals) noexcept {
  if (value > 3) {
    last[2] = last[1];
    last[1] = last[0];
    return last[0] = value - 3;
  }
  const std::uint64_t which = value - 1 + (no_literals ? 1 : 0);
  if (which == 0) return last[0];
  const std::uint64_t offset = which == 3 ? last[0] - 1 : last[which];
  if (which != 1) last[2] = last[1];
  last[1] = last[0];
  return last[0] = offset;
}

// Appends `n` literals at `to`; there are enough, and there is room for them.
inline void copy_literals(std::uint8_t* to, const Literals& from, std::size_t n, std::size_t room) noexcept {
  if (n <= 16 && from.readable >= 16 && room >= 16) {
    copy_16(to, from.at);
  } else if (n > 0) {
    std::memcpy(to, from.at, n);
  }
}

bool decode_compressed_block(Input input, Workspace& work, Frame& frame, std::uint8_t*& out,
                             std::uint8_t* out_end) noexcept {
  Literals literals;
  if (!read_literals(input, work, literals) || !input.has(1)) return false;
  auto n_sequences = static_cast<std::size_t>(input.take(1));
  if (n_sequences >= 128) {
    const bool is_long = n_sequences == 255;
    if (!input.has(is_long ? 2 : 1)) return false;
    n_sequences = is_long ? input.take(2) + 0x7F00 : (n_sequences - 128) << 8 | input.take(1);
  }
  std::uint8_t* to = out;
  std::uint8_t* const limit = to + std::min<std::size_t>(kLargestBlock, static_cast<std::size_t>(out_end - to));
  if (n_sequences == 0) {
    if (input.size() != 0) return false;
  } else {
    if (!input.has(1)) return false;
    const auto modes = static_cast<unsigned>(input.take(1));
    if (modes & 3u) return false;
    if (!read_sequence_table(input, modes >> 6, 9, kLiteralLengths, {kPredefinedLiteralLengths.data(), 6},
                             work.literal_lengths, frame.literal_lengths) ||
        !read_sequence_table(input, modes >> 4 & 3u, 8, kOffsets, {kPredefinedOffsets.data(), 5}, work.offsets,
                             frame.offset_codes) ||
        !read_sequence_table(input, modes >> 2 & 3u, 9, kMatchLengths, {kPredefinedMatchLengths.data(), 6},
                             work.match_lengths, frame.match_lengths)) {
      return false;
    }
    BackwardBits bits;
    if (!bits.start(input.at, input.size())) return false;
    const SequenceState* literal_states = frame.literal_lengths.states;
    const SequenceState* offset_states = frame.offset_codes.states;
    const SequenceState* match_states = frame.match_lengths.states;
    SequenceState literal = literal_states[bits.read(frame.literal_lengths.log)];
    SequenceState offset_code = offset_states[bits.read(frame.offset_codes.log)];
    SequenceState match = match_states[bits.read(frame.match_lengths.log)];
    for (;;) {
      bits.refill();
      const std::uint64_t offset_value = offset_code.base + bits.read(offset_code.extra_bits);
      const auto length = static_cast<std::size_t>(match.base + bits.read(match.extra_bits));
      bits.refill();
      const auto n_literals = static_cast<std::size_t>(literal.base + bits.read(literal.extra_bits));
      const std::uint64_t offset = resolve_offset(frame.offsets, offset_value, n_literals == 0);
      const auto room = static_cast<std::size_t>(limit - to);
      if (n_literals > literals.size || n_literals > room || length > room - n_literals) return false;
      copy_literals(to, literals, n_literals, static_cast<std::size_t>(out_end - to));
      to += n_literals;
      literals.at += n_literals;
      literals.size -= n_literals;
      literals.readable -= n_literals;
      if (offset == 0 || offset > static_cast<std::size_t>(to - frame.first)) return false;
      copy_match(to, static_cast<std::size_t>(offset), length, static_cast<std::size_t>(out_end - to));
      to += length;
      if (--n_sequences == 0) break;
      // At most 7 + 16 + 9 + 9 + 8 bits have been used since the last refill.
      literal = literal_states[literal.next + bits.read(literal.n_bits)];
      match = match_states[match.next + bits.read(match.n_bits)];
      offset_code = offset_states[offset_code.next + bits.read(offset_code.n_bits)];
    }
    bits.refill();
    if (!bits.finished()) return false;
  }
  if (literals.size > static_cast<std::size_t>(limit - to)) return false;
  if (literals.size > 0) std::memcpy(to, literals.at, literals.size);
  out = to + literals.size;
  return true;
}

// ---- frames (3.1) ----

bool decode_blocks(Input& input, Workspace& work, std::uint8_t*& out, std::uint8_t* out_end) noexcept {
  Frame frame;
  frame.first = out;
  work.huffman.is_set = false;
  for (bool last = false; !last;) {
    if (!input.has(3)) return false;
    const auto header = static_cast<std::size_t>(input.take(3));
    last = (header & 1) != 0;
    const std::size_t type = header >> 1 & 3, size = header >> 3;
    if (size > kLargestBlock || !input.has(type == 1 ? 1 : size)) return false;
    if (type < 2) {
      if (size > static_cast<std::size_t>(out_end - out)) return false;
      if (type == 1) {
        const std::uint8_t byte = *input.at++;
        if (size > 0) std::memset(out, byte, size);
      } else if (size > 0) {
        std::memcpy(out, input.at, size);
        input.at += size;
      }
      out += size;
    } else if (type == 2) {
      if (!decode_compressed_block({input.at, input.at + size}, work, frame, out, out_end)) return false;
      input.at += size;
    } else {
      return false;
    }
  }
  return true;
}

bool decode_frame(Input& input, Workspace& work, std::uint8_t*& out, std::uint8_t* out_end) noexcept {
  if (!input.has(1)) return false;
  const auto descriptor = static_cast<unsigned>(input.take(1));
  const bool single_segment = (descriptor & 0x20u) != 0, has_checksum = (descriptor & 4u) != 0;
  if (descriptor & 8u) return false;  // reserved
  constexpr std::size_t kSizes[4] = {0, 2, 4, 8}, kDictionary[4] = {0, 1, 2, 4};
  const std::size_t n_window = single_segment ? 0 : 1, n_dictionary = kDictionary[descriptor & 3u];
  const std::size_t n_size = descriptor >> 6 == 0 ? (single_segment ? 1 : 0) : kSizes[descriptor >> 6];
  if (!input.has(n_window + n_dictionary + n_size)) return false;
  input.at += n_window;
  if (input.take(n_dictionary) != 0) return false;
  const std::uint64_t content = input.take(n_size) + (n_size == 2 ? 256 : 0);
  const auto room = static_cast<std::size_t>(out_end - out);
  if (n_size != 0) {
    if (content > room) return false;
    out_end = out + content;
  }
  if (!decode_blocks(input, work, out, out_end)) return false;
  if (n_size != 0 && out != out_end) return false;
  if (has_checksum) {
    if (!input.has(4)) return false;
    input.at += 4;
  }
  return true;
}

}  // namespace

bool zstd_decode(const std::uint8_t* in, std::size_t n_in, std::uint8_t* out, std::size_t n_out) noexcept {
  static thread_local Workspace work;  // too large for the stacks of some threads
  Input input{in, in + n_in};
  std::uint8_t* const out_end = out + n_out;
  if (n_in == 0) return false;
  while (input.size() > 0) {
    if (!input.has(4)) return false;
    const auto magic = static_cast<std::uint32_t>(input.take(4));
    if (magic == kMagic) {
      if (!decode_frame(input, work, out, out_end)) return false;
    } else if ((magic & 0xFFFFFFF0u) == kSkippable) {
      if (!input.has(4)) return false;
      const std::uint64_t size = input.take(4);
      if (!input.has(size)) return false;
      input.at += size;
    } else {
      return false;
    }
  }
  return out == out_end;
}

}  // namespace azimuthal
