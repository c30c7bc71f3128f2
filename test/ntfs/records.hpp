// Walking a $MFT in tests.
#pragma once

#include "ntfs/file_record.hpp"
#include "support.hpp"

namespace trimcarve::test {

// Calls fn(entry, record) for each record with a signature; returns the number of slots. The record is valid during the call.
template <class Fn>
std::size_t for_records(const Bytes& mft, std::size_t record_size, Fn&& fn) {
  Bytes buffer(record_size);
  const std::size_t slots = mft.size() / record_size;
  for (std::size_t entry = 0; entry < slots; ++entry) {
    std::memcpy(buffer.data(), mft.data() + entry * record_size, record_size);
    const ntfs::FixUp fix = ntfs::apply_fix_up(buffer);
    ntfs::FileRecord record;
    if (ntfs::FileRecord::decode(buffer, fix, record)) fn(entry, record);
  }
  return slots;
}

}  // namespace trimcarve::test
