// The pages of an Azure page blob, as Get Page Ranges lists them, beside the blob itself as it was downloaded: a raw disk or a fixed VHD,
// in which a page that was never written, or was cleared, cannot be told from one that holds zeros.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/examination.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

struct PageInterval {
  std::uint64_t begin = 0, end = 0;  // bytes of the blob, end exclusive; whole pages of 512
  friend bool operator==(const PageInterval&, const PageInterval&) = default;
};

struct PageList {
  std::vector<PageInterval> stored, cleared;  // each in order, joined, none empty
  // Beyond it the list says nothing: it is one part of a longer answer (NextMarker), or the difference of two snapshots (ClearRange), which
  // leaves out what did not change.
  std::uint64_t known_until = ~std::uint64_t{0};
};

// The XML answer of the REST call (PageList: PageRange and ClearRange with Start and End, End inclusive), or JSON as the SDKs and
// PowerShell print it: lists of {start, end} (inclusive), {startOffset, endOffset} (inclusive) or {offset, length|count}, bare or below
// pageRanges / clearRanges, in any case of letters. Fails with a reason on anything else.
Result<PageList> parse_page_ranges(ByteView text);

// `file` with the listing's word on what is not stored. Where the file holds other bytes than zeros there, the bytes win: `extents` looks
// at them when it is asked.
SourcePtr with_page_ranges(SourcePtr file, PageList list);

// Whether listing and file belong together, by up to 4096 places spread over what the list says is not stored: a warning with the places
// that hold data all the same, and one when the list names pages beyond the end of the file.
std::vector<Warning> check_page_ranges(const ByteSource& file, const PageList& list);

}  // namespace trimcarve::image
