#include "carvers/compressed_slack.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "ntfs/lznt1.hpp"

namespace trimcarve::carvers {

namespace {

// Where a unit's bytes lie: those of its clusters that are allocated, from its beginning on.
struct Pieces {
  struct Piece {
    std::uint64_t at, length;  // in the volume
  };
  std::vector<Piece> pieces;
  std::uint64_t size = 0;

  void add(std::uint64_t at, std::uint64_t length) {
    pieces.push_back({at, length});
    size += length;
  }
  // False past the end, or where it cannot be read.
  bool read(const ByteSource& volume, std::uint64_t offset, std::span<std::byte> out) const {
    for (const Piece& piece : pieces) {
      if (out.empty()) break;
      if (offset >= piece.length) {
        offset -= piece.length;
        continue;
      }
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), piece.length - offset));
      if (!volume.read_at(piece.at + offset, out.first(length))) return false;
      out = out.subspan(length);
      offset = 0;
    }
    return out.empty();
  }
  void behind(std::uint64_t offset, std::vector<Stretch>& out) const {
    for (const Piece& piece : pieces) {
      if (offset < piece.length) out.push_back({piece.at + offset, piece.length - offset, StretchKind::file_slack});
      offset -= std::min(offset, piece.length);
    }
  }
};

// Where the chunks of a compressed unit end; nothing when they are none. A header: size of the chunk less 3 in 12 bits, 3 in the next
// three, and whether the chunk is compressed. Zero ends them, behind the unit's last chunk too where there is room; so does the end of its
// clusters.
std::optional<std::uint64_t> end_of_chunks(const ByteSource& volume, const Pieces& unit, std::uint64_t chunks) {
  std::uint64_t at = 0;
  for (std::uint64_t n = 0; at + 2 <= unit.size; ++n) {
    std::array<std::byte, 2> raw;
    if (!unit.read(volume, at, raw)) return std::nullopt;
    const auto header = le<std::uint16_t>(raw, 0);
    if (header == 0) return n == 0 ? std::nullopt : std::optional(at + 2);
    if (n == chunks) break;
    if ((header >> 12 & 7U) != 3) return std::nullopt;
    at += (header & 0xFFFU) + 3U;
    if (at > unit.size) return std::nullopt;
  }
  return at;
}

}  // namespace

std::uint64_t compressed_slack(const ByteSource& volume, const CompressedStream& stream, std::vector<Stretch>& out) {
  const std::uint64_t cluster = stream.cluster_size, clusters = std::uint64_t{1} << std::min<unsigned>(stream.unit_log2, 16);
  if (cluster == 0 || cluster > volume.size()) return 0;
  std::uint64_t passed_over = 0;
  Pieces unit;
  std::uint64_t first = 0, vcn = 0;  // the unit's first, and the one that comes next
  bool whole = true;                 // its clusters are the first ones, without a gap
  const auto behind_valid = [&](const Pieces& pieces, std::uint64_t at) {
    const std::uint64_t begin = at * cluster;
    if (begin + pieces.size > stream.valid_size) pieces.behind(stream.valid_size > begin ? stream.valid_size - begin : 0, out);
  };
  const auto finish = [&] {
    if (unit.size == clusters * cluster) {
      behind_valid(unit, first);
    } else if (unit.size != 0) {
      const auto end = whole ? end_of_chunks(volume, unit, clusters * cluster / ntfs::lznt1_chunk_size) : std::nullopt;
      if (end)
        unit.behind(*end, out);
      else
        ++passed_over;
    }
    unit = {};
    whole = true;
  };
  for (const RunFact& run : stream.runs) {
    constexpr std::uint64_t most = std::uint64_t{1} << 62;
    if (run.vcn > most / cluster || run.clusters > most / cluster ||
        (run.lcn >= 0 && !fits(volume.size() / cluster, static_cast<std::uint64_t>(run.lcn), run.clusters))) {
      ++passed_over;
      break;
    }
    for (std::uint64_t done = 0; done < run.clusters;) {
      const std::uint64_t at = run.vcn + done, left = run.clusters - done, lcn = static_cast<std::uint64_t>(run.lcn) + done;
      if (at - at % clusters != first) {
        finish();
        first = vcn = at - at % clusters;
      }
      // Whole units at once: holes have nothing, and those without a hole are stored as they are.
      const std::uint64_t here = at == first && left >= clusters ? left - left % clusters : std::min(left, first + clusters - at);
      if (run.lcn >= 0 && here >= clusters) {
        Pieces units;
        units.add(lcn * cluster, here * cluster);
        behind_valid(units, at);
      } else if (run.lcn >= 0) {
        whole = whole && at == vcn;
        unit.add(lcn * cluster, here * cluster);
        vcn = at + here;
      }
      done += here;
    }
  }
  finish();
  return passed_over;
}

}  // namespace trimcarve::carvers
