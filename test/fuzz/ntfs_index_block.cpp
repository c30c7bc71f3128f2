// Any bytes as an INDX block: fix-ups, every entry, slack.
#include <cstdlib>
#include <vector>

#include "ntfs/file_name_scan.hpp"
#include "ntfs/index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  using namespace trimcarve::ntfs;
  const ByteView input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(input.begin(), input.end());
  apply_fix_up(bytes);
  const auto block = decode_index_block(bytes);
  if (!block) return 0;
  const IndexNode& node = block->node;
  if (node.first_entry > node.used_end || node.used_end > node.allocated_end || node.allocated_end > bytes.size()) std::abort();
  IndexWalk walk(bytes, node);
  std::u16string text;
  for (IndexEntry e; walk.next(e);) {
    if (e.offset + e.length > node.used_end) std::abort();
    if (const auto name = decode_file_name(e.key)) name->name.append_to(text);
  }
  if (walk.slack_begin() > node.used_end) std::abort();
  FileNameScan scan(bytes, walk.slack_begin(), node.allocated_end);
  for (FileNameCandidate c; scan.next(c);) {
    c.file_name.name.append_to(text);
    reference_before_file_name(bytes, c);
  }
  return 0;
}
