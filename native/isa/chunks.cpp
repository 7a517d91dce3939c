// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Bit-shuffled chunks, block by block in the first-level cache: decode, find the planes that hold anything in pixels that
// count, turn 64 pixels at a time back into values, add. A dense frame never exists.
#include "azimuthal/lz4_block.hpp"
#include "azimuthal/zstd.hpp"
#include "planes.hpp"

namespace azimuthal::AZIMUTHAL_ISA {
namespace {

constexpr std::size_t kSlack = kLz4Slack;
constexpr std::size_t kMostPlanes = 32;
constexpr std::size_t kFetchedAhead = 4096;  // bytes of a block

// One frame's chunk, read from block to block.
struct Reader {
  const std::uint8_t* next;
  const std::uint8_t* end;
  ChunkError error;
};

// A decoded block of one frame: planes 0..n_planes hold something, the others nothing that counts.
struct Block {
  const std::uint8_t* plane[kMostPlanes];
  int n_planes;
};

struct Layout {
  std::size_t item_size, n_elements, n_shuffled, per_block;

  std::size_t last_block() const noexcept { return (n_shuffled - 1) / per_block * per_block; }
  // Whether these pixels, a group or less, are added together with the last pixels of the frame, which are not shuffled.
  bool ends_with_tail(std::size_t first, std::size_t n) const noexcept {
    return n < kGroup && first + n == n_shuffled && n_shuffled < n_elements;
  }
};

std::uint64_t big_endian(const std::uint8_t* in, int n) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < n; ++i) value = value << 8 | in[i];
  return value;
}

// Checks the header of a chunk; the number of elements in a block, or 0 when it is wrong.
std::size_t elements_per_block(const std::uint8_t* chunk, std::size_t size, std::size_t n_elements,
                               std::size_t item_size) noexcept {
  if (size < kChunkHeader || big_endian(chunk, 8) != n_elements * item_size) return 0;
  return bitshuffle_block_elements(big_endian(chunk + 8, 4), item_size);
}

std::uint64_t lowest_invalid(const InvalidValues& invalid) noexcept {
  std::uint64_t lowest = ~std::uint64_t{0};
  for (int k = 0; k < invalid.n; ++k) lowest = invalid.low[k].u < lowest ? invalid.low[k].u : lowest;
  return lowest;
}

bool is_invalid(const InvalidValues& invalid, std::uint64_t value) noexcept {
  for (int k = 0; k < invalid.n; ++k) {
    if (value >= invalid.low[k].u && value <= invalid.high[k].u) return true;
  }
  return false;
}

// The value of one pixel of a block.
std::uint64_t value_at(const std::uint8_t* planes, std::size_t plane, std::size_t written, std::size_t n_planes,
                       std::size_t p) noexcept {
  std::uint64_t value = 0;
  for (std::size_t k = 0; k < n_planes; ++k) {
    const std::size_t held = k < written ? k : written - 1;
    value |= static_cast<std::uint64_t>(planes[held * plane + (p >> 3)] >> (p & 7) & 1) << k;
  }
  return value;
}

class Decoder {
 public:
  Decoder(const ChunksJob& job, const Layout& layout) noexcept
      : job_(job), layout_(layout), lowest_(lowest_invalid(*job.invalid)) {
    // Only values with one of these bits can be invalid.
    while (first_suspect_ < 63 && lowest_ >> (first_suspect_ + 1) != 0) ++first_suspect_;
  }

  // Decodes the next block of n elements, whose first is pixel `first`, into `planes`.
  void decode(Reader& reader, std::size_t first, std::size_t n, std::uint8_t* planes, InvalidPixels& invalid,
              Block& block) const {
    block.n_planes = 0;
    if (reader.error != ChunkError::none) return;
    const auto left = static_cast<std::size_t>(reader.end - reader.next);
    const std::size_t length = left < kBlockLength ? 0 : static_cast<std::size_t>(big_endian(reader.next, kBlockLength));
    if (left < kBlockLength || length > left - kBlockLength) {
      reader.error = ChunkError::truncated;
      return;
    }
    const std::uint8_t* in = reader.next + kBlockLength;
    reader.next = in + length;
    // The next block of this frame, which is about as long, while those of the other frames are decoded.
    const std::size_t ahead = left - kBlockLength - length < length + kBlockLength ? left - kBlockLength - length : length + kBlockLength;
    for (std::size_t k = 0; k < ahead && k < kFetchedAhead; k += 64) __builtin_prefetch(reader.next + k, 0, 2);
    const std::size_t plane = n / 8, n_planes = layout_.item_size * 8;
    Lz4Planes found;
    if (job_.is_zstd) found.written = zstd_decode(in, length, planes, n_planes * plane) ? n_planes : 0;
    else found = lz4_decode_planes(in, length, planes, n_planes * plane, plane);
    if (found.written == 0) {
      reader.error = ChunkError::block;
      return;
    }
    const std::uint8_t* used = job_.weights.used + first / 8;
    int top = top_plane(found, planes, used, plane, n_planes);
    // Where zero itself is invalid, a block that holds nothing is all invalid.
    if ((top > first_suspect_ || lowest_ == 0) && lowest_ != ~std::uint64_t{0}) {
      if (found.n_stored > 0) std::memcpy(planes, found.stored, found.n_stored * plane);
      found.n_stored = 0;
      if (drop_invalid(planes, used, plane, found.written, n_planes, first, n, top, invalid)) {
        top = top_plane(found, planes, used, plane, n_planes);
      }
    }
    for (int k = 0; k < top; ++k) block.plane[k] = plane_at(found, planes, plane, static_cast<std::size_t>(k));
    block.n_planes = top;
  }

 private:
  static const std::uint8_t* plane_at(const Lz4Planes& found, const std::uint8_t* planes, std::size_t plane,
                                      std::size_t k) noexcept {
    if (k < found.n_stored) return found.stored + k * plane;
    return planes + (k < found.written ? k : found.written - 1) * plane;
  }

  // One more than the highest plane that holds a bit of a pixel that counts.
  static int top_plane(const Lz4Planes& found, const std::uint8_t* planes, const std::uint8_t* used, std::size_t plane,
                       std::size_t n_planes) noexcept {
    const auto holds = [&](std::size_t k) { return holds_any(plane_at(found, planes, plane, k), used, plane); };
    if (found.written < n_planes && holds(found.written - 1)) return static_cast<int>(n_planes);
    std::size_t top = found.written;
    while (top > 0 && !holds(top - 1)) --top;
    return static_cast<int>(top);
  }

  // Lists the invalid pixels among those that count and clears their bits; whether there were any (then all planes are
  // written).
  bool drop_invalid(std::uint8_t* planes, const std::uint8_t* used, std::size_t plane, std::size_t& written,
                    std::size_t n_planes, std::size_t first, std::size_t n, int top, InvalidPixels& invalid) const {
    bool any = false;
    for (std::size_t j = 0; j < plane; ++j) {
      std::uint8_t suspects = 0;
      if (lowest_ == 0) suspects = 255;
      for (int k = first_suspect_; k < top; ++k) {
        const std::size_t held = static_cast<std::size_t>(k) < written ? static_cast<std::size_t>(k) : written - 1;
        suspects = static_cast<std::uint8_t>(suspects | planes[held * plane + j]);
      }
      suspects &= used[j];
      for (; suspects != 0; suspects = static_cast<std::uint8_t>(suspects & (suspects - 1))) {
        const std::size_t p = 8 * j + static_cast<std::size_t>(__builtin_ctz(suspects));
        if (p >= n || !is_invalid(*job_.invalid, value_at(planes, plane, written, n_planes, p))) continue;
        for (; written < n_planes; ++written) std::memcpy(planes + written * plane, planes + (written - 1) * plane, plane);
        for (std::size_t k = 0; k < n_planes; ++k) {
          std::uint8_t& byte = planes[k * plane + j];
          byte = static_cast<std::uint8_t>(byte & ~(1u << (p & 7)));
        }
        append(invalid, first + p);
        any = true;
      }
    }
    return any;
  }

  const ChunksJob& job_;
  const Layout& layout_;
  std::uint64_t lowest_;
  int first_suspect_ = 0;
};

// The last elements of a chunk, fewer than eight, are stored as they are.
void read_tail(const ChunksJob& job, const Layout& layout, Reader& reader, std::uint64_t* values,
               InvalidPixels& invalid) {
  const std::size_t n = layout.n_elements - layout.n_shuffled;
  for (std::size_t p = 0; p < n; ++p) values[p] = 0;
  if (reader.error != ChunkError::none) return;
  if (static_cast<std::size_t>(reader.end - reader.next) < n * layout.item_size) {
    reader.error = ChunkError::truncated;
    return;
  }
  for (std::size_t p = 0; p < n; ++p) {
    std::uint64_t value = 0;
    if (layout.item_size == 1) {
      value = reader.next[p];
    } else if (layout.item_size == 2) {
      std::uint16_t narrow;
      std::memcpy(&narrow, reader.next + 2 * p, 2);
      value = narrow;
    } else {
      std::uint32_t wide;
      std::memcpy(&wide, reader.next + 4 * p, 4);
      value = wide;
    }
    const std::size_t pixel = layout.n_shuffled + p;
    if ((job.weights.used[pixel >> 3] >> (pixel & 7) & 1) && is_invalid(*job.invalid, value)) {
      append(invalid, pixel);
      value = 0;
    }
    values[p] = value;
  }
}

// Tells when parts of the frame are complete.
class Parts {
 public:
  explicit Parts(const ChunksJob& job) noexcept : job_(job), end_(job.part_ends[0]) {}
  // Pixels before `pixel` have been added.
  void reached(std::size_t pixel) {
    while (pixel >= end_) {
      job_.end_part(job_.context);
      end_ = end_ == job_.weights.n_pixels ? ~std::size_t{0} : job_.part_ends[++part_];
    }
  }

 private:
  const ChunksJob& job_;
  std::size_t part_ = 0, end_;
};

const std::uint8_t* zero_plane(std::size_t size) {
  std::uint8_t* zeros = workspace(1, size + kSlack);
  std::memset(zeros, 0, size + kSlack);
  return zeros;
}

Layout layout_of(const ChunksJob& job, std::size_t per_block) noexcept {
  const std::size_t n = job.weights.n_pixels;
  return {kItemSize[static_cast<int>(job.dtype)], n, n - n % 8, per_block};
}

void chunk_single(const ChunksJob& job, std::size_t frame, double* sums, InvalidPixels& invalid, ChunkError& error) {
  const PackedView& w = job.weights;
  const AddSingle add = add_single_of(w, n_sums(job.model, w.weighting, job.dtype, false));
  const std::size_t item_size = kItemSize[static_cast<int>(job.dtype)];
  const Layout layout =
      layout_of(job, elements_per_block(job.chunks[frame], job.sizes[frame], w.n_pixels, item_size));
  if (layout.per_block == 0) {
    error = ChunkError::header;
    return;
  }
  Reader reader{job.chunks[frame] + kChunkHeader, job.chunks[frame] + job.sizes[frame], ChunkError::none};
  const Decoder decoder(job, layout);
  const std::size_t largest = layout.per_block < layout.n_shuffled ? layout.per_block : layout.n_shuffled;
  std::uint8_t* planes = workspace(0, largest * item_size + kSlack);
  const std::uint8_t* zeros = zero_plane(largest / 8);
  IrregularCursor irregular(w, 0);
  Parts parts(job);
  alignas(64) double value[kGroup];
  alignas(64) std::uint8_t bytes[4][kGroup];
  std::uint64_t tail[8];
  std::size_t n_tail = layout.n_elements - layout.n_shuffled;
  Block block;
  for (std::size_t first = 0; first < layout.n_shuffled; first += layout.per_block) {
    const std::size_t n = layout.n_shuffled - first < layout.per_block ? layout.n_shuffled - first : layout.per_block;
    decoder.decode(reader, first, n, planes, invalid, block);
    if (reader.error != ChunkError::none) break;
    const int n_bytes = (block.n_planes + 7) / 8;
    for (int k = block.n_planes; k < 8 * n_bytes; ++k) block.plane[k] = zeros;
    if (n_bytes == 0) {
      irregular.until(first + n, [](std::size_t, std::size_t, double) {});
      parts.reached(first + n);
      continue;
    }
    for (std::size_t at = 0; at < n; at += kGroup) {
      parts.reached(first + at);
      std::size_t count = n - at < kGroup ? n - at : kGroup;
      for (int k = 0; k < n_bytes; ++k) bytes_of_planes(block.plane + 8 * k, at / 8, bytes[k]);
      if (n_bytes == 1) {
        for (std::size_t p = 0; p < kGroup; ++p) value[p] = static_cast<double>(static_cast<std::int32_t>(bytes[0][p]));
      } else {
        for (int k = n_bytes; k < 4; ++k) std::memset(bytes[k], 0, kGroup);
        for (std::size_t p = 0; p < kGroup; ++p) {
          value[p] = static_cast<double>(bytes[0][p] | static_cast<std::uint32_t>(bytes[1][p]) << 8 |
                                         static_cast<std::uint32_t>(bytes[2][p]) << 16 |
                                         static_cast<std::uint32_t>(bytes[3][p]) << 24);
        }
      }
      if (layout.ends_with_tail(first + at, count)) {
        read_tail(job, layout, reader, tail, invalid);
        for (std::size_t p = 0; p < n_tail; ++p) value[count + p] = static_cast<double>(tail[p]);
        count += n_tail;
        n_tail = 0;
      }
      add(w, first + at, count, value, value, irregular, sums);
    }
    if (layout.n_shuffled == layout.n_elements) parts.reached(first + n);
  }
  // Not after an error: the irregular pixels of what was left out would be looked for here.
  if (n_tail > 0 && reader.error == ChunkError::none) {
    read_tail(job, layout, reader, tail, invalid);
    for (std::size_t p = 0; p < n_tail; ++p) value[p] = static_cast<double>(tail[p]);
    add(w, layout.n_shuffled, n_tail, value, value, irregular, sums);
  }
  if (layout.n_shuffled < layout.n_elements && reader.error == ChunkError::none) parts.reached(layout.n_elements);
  error = reader.error;
}

template <int kBytes>
using Tiles = std::uint8_t[kBytes][kGroup][kLanes];

template <int kBytes>
void fill_tiles(const Block* blocks, std::size_t at, Tiles<kBytes>& tiles) noexcept {
  alignas(64) std::uint8_t bytes[kLanes][kGroup];
  for (int k = 0; k < kBytes; ++k) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      bytes_of_planes(blocks[lane].plane + 8 * k, at / 8, bytes[lane]);
    }
    transpose_tile(bytes, tiles[k]);
  }
}

template <int kBytes>
void add_block(const PackedView& w, AddLanes add, const Block* blocks, std::size_t first, std::size_t n, Parts& parts,
               IrregularCursor& irregular, double* sums) {
  alignas(64) Tiles<kBytes> tiles;
  for (std::size_t at = 0; at < n; at += kGroup) {
    parts.reached(first + at);
    fill_tiles<kBytes>(blocks, at, tiles);
    add(w, first + at, n - at < kGroup ? n - at : kGroup, tiles, irregular, sums);
  }
}

void chunks_at_once(const ChunksJob& job, double* sums, InvalidPixels* invalid, ChunkError* errors) {
  const PackedView& w = job.weights;
  const std::size_t per_bin = n_sums(job.model, w.weighting, job.dtype, false);
  const AddLanes add[] = {add_lanes_of<ByteTiles<1>>(w, per_bin), add_lanes_of<ByteTiles<2>>(w, per_bin),
                          add_lanes_of<ByteTiles<4>>(w, per_bin)};
  const std::size_t item_size = kItemSize[static_cast<int>(job.dtype)];
  std::size_t per_block = 0;
  Reader readers[kLanes] = {};
  for (std::size_t lane = 0; lane < job.n_frames; ++lane) {
    const std::size_t here = elements_per_block(job.chunks[lane], job.sizes[lane], w.n_pixels, item_size);
    if (per_block == 0) per_block = here;
    readers[lane] = {job.chunks[lane] + kChunkHeader, job.chunks[lane] + job.sizes[lane], ChunkError::none};
    // Callers see to it that all chunks have blocks of one size.
    if (here == 0 || here != per_block) readers[lane].error = ChunkError::header;
  }
  const Layout layout = layout_of(job, per_block);
  if (per_block != 0) {
    const Decoder decoder(job, layout);
    const std::size_t largest = per_block < layout.n_shuffled ? per_block : layout.n_shuffled;
    // An odd number of cache lines apart, so that the same plane of all lanes does not fall into one set of the cache.
    const std::size_t stride = ((largest * item_size + kSlack + 63) / 64 | 1) * 64;
    std::uint8_t* planes = workspace(0, stride * kLanes);
    const std::uint8_t* zeros = zero_plane(largest / 8);
    IrregularCursor irregular(w, 0);
    Parts parts(job);
    Block blocks[kLanes];
    std::size_t with_tail = 0;  // pixels of the last block that wait for those which are not shuffled
    for (std::size_t first = 0; first < layout.n_shuffled; first += per_block) {
      const std::size_t n = layout.n_shuffled - first < per_block ? layout.n_shuffled - first : per_block;
      int top = 0;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        blocks[lane].n_planes = 0;
        if (lane < job.n_frames) {
          decoder.decode(readers[lane], first, n, planes + lane * stride, invalid[lane], blocks[lane]);
        }
        if (blocks[lane].n_planes > top) top = blocks[lane].n_planes;
      }
      const int n_bytes = top > 16 ? 4 : (top + 7) / 8;
      const std::size_t left_over = n % kGroup;
      with_tail = layout.ends_with_tail(first + n - left_over, left_over) && left_over > 0 ? left_over : 0;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const int n_used = with_tail > 0 ? static_cast<int>(kMostPlanes) : 8 * n_bytes;
        for (int k = blocks[lane].n_planes; k < n_used; ++k) blocks[lane].plane[k] = zeros;
      }
      const std::size_t n_here = n - with_tail;
      if (n_bytes == 0) irregular.until(first + n_here, [](std::size_t, std::size_t, double) {});
      else if (n_bytes == 1) add_block<1>(w, add[0], blocks, first, n_here, parts, irregular, sums);
      else if (n_bytes == 2) add_block<2>(w, add[1], blocks, first, n_here, parts, irregular, sums);
      else add_block<4>(w, add[2], blocks, first, n_here, parts, irregular, sums);
      if (layout.n_shuffled == layout.n_elements) parts.reached(first + n);
    }
    if (const std::size_t n = layout.n_elements - layout.n_shuffled; n > 0) {
      alignas(64) Tiles<4> tiles = {};
      // The last group of the last block, which is still in the planes, and what follows it.
      const std::size_t group = layout.n_shuffled - with_tail;
      if (with_tail > 0) fill_tiles<4>(blocks, group - layout.last_block(), tiles);
      for (std::size_t lane = 0; lane < job.n_frames; ++lane) {
        std::uint64_t values[8];
        read_tail(job, layout, readers[lane], values, invalid[lane]);
        for (std::size_t p = 0; p < n; ++p) {
          for (unsigned k = 0; k < 4; ++k) {
            tiles[k][with_tail + p][lane] = static_cast<std::uint8_t>(values[p] >> (8 * k));
          }
        }
      }
      parts.reached(group);
      add[2](w, group, with_tail + n, tiles, irregular, sums);
      parts.reached(layout.n_elements);
    }
  }
  for (std::size_t lane = 0; lane < job.n_frames; ++lane) errors[lane] = readers[lane].error;
}

}  // namespace

void frames_single(const FramesJob&, std::size_t, std::size_t, double* const*, InvalidPixels*);
void frames_lanes(const FramesJob&, std::size_t, std::size_t, double*, InvalidPixels*);

namespace {

void chunks_single(const ChunksJob& job, double* const* sums, InvalidPixels* invalid, ChunkError* errors) {
  for (std::size_t frame = 0; frame < job.n_frames; ++frame) {
    chunk_single(job, frame, sums[frame], invalid[frame], errors[frame]);
  }
}

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels{frames_single, frames_lanes, chunks_single, chunks_at_once};

}  // namespace azimuthal::AZIMUTHAL_ISA
