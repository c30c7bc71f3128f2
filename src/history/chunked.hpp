// A growing array that never moves what it holds: no doubling, so no moment at which two copies of everything exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace trimcarve::history {

template <class T, std::size_t ChunkBits = 14>
class Chunked {
 public:
  static constexpr std::size_t chunk_size = std::size_t{1} << ChunkBits;

  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return chunks_[i >> ChunkBits][i & (chunk_size - 1)]; }
  const T& operator[](std::size_t i) const noexcept { return chunks_[i >> ChunkBits][i & (chunk_size - 1)]; }
  void push_back(const T& value) {
    if ((size_ & (chunk_size - 1)) == 0) chunks_.push_back(std::make_unique_for_overwrite<T[]>(chunk_size));
    (*this)[size_++] = value;
  }
  std::size_t memory() const noexcept { return chunks_.size() * chunk_size * sizeof(T); }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::size_t size_ = 0;
};

// Names one after the other. A name is found again by its position and length; none crosses a chunk.
class TextArena {
 public:
  static constexpr std::uint32_t full = 0xFFFF'FFFF;

  // The position, or `full` when 2^32 units are used up.
  std::uint32_t add(std::u16string_view text) {
    if (chunks_.empty() || text.size() > chunk_size - used_) {
      if (text.size() > chunk_size || chunks_.size() >= most_chunks) return full;
      chunks_.push_back(std::make_unique_for_overwrite<char16_t[]>(chunk_size));
      used_ = 0;
    }
    text.copy(chunks_.back().get() + used_, text.size());
    const auto position = static_cast<std::uint32_t>((chunks_.size() - 1) * chunk_size + used_);
    used_ += text.size();
    return position;
  }
  std::u16string_view get(std::uint32_t position, std::size_t length) const noexcept {
    return {chunks_[position / chunk_size].get() + position % chunk_size, length};
  }
  std::size_t memory() const noexcept { return chunks_.size() * chunk_size * sizeof(char16_t); }

 private:
  static constexpr std::size_t chunk_size = std::size_t{1} << 17;  // at least the longest name: 65,535 units
  static constexpr std::size_t most_chunks = (std::size_t{1} << 32) / chunk_size - 1;
  std::vector<std::unique_ptr<char16_t[]>> chunks_;
  std::size_t used_ = 0;
};

}  // namespace trimcarve::history
