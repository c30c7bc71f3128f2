// Any bytes as a FILE record: fix-ups, header, every attribute, and whatever the attributes hold.
#include <cstdlib>
#include <vector>

#include "ntfs/attribute_list.hpp"
#include "ntfs/file_name_scan.hpp"
#include "ntfs/file_record.hpp"
#include "ntfs/index.hpp"
#include "ntfs/run_list.hpp"
#include "ntfs/standard_information.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  using namespace trimcarve::ntfs;
  const ByteView input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(input.begin(), input.end());
  const FixUp fix = apply_fix_up(bytes);
  FileRecord record;
  if (!FileRecord::decode(bytes, fix, record)) return 0;
  AttributeWalk walk(record);
  std::vector<RunFact> runs;
  std::u16string text;
  for (Attribute a; walk.next(a);) {
    if (a.length == 0 || a.end() > record.used()) std::abort();
    text.clear();
    a.name.append_to(text);
    attribute_plausible(a);
    runs.clear();
    if (!a.resident) {
      decode_run_list(a, 1U << 20, runs);
      decode_run_list(a, 0, runs);
    }
    decode_standard_information(a.value);
    if (const auto name = decode_file_name(a.value)) name->name.append_to(text);
    AttributeListWalk list(a.value);
    for (AttributeListEntry e; list.next(e);) e.name.append_to(text);
    if (const auto root = decode_index_root(a.value)) {
      IndexWalk index(a.value, root->node);
      for (IndexEntry e; index.next(e);) decode_file_name(e.key);
    }
  }
  if (walk.end() == WalkEnd::walking || walk.slack_begin() > record.bytes().size()) std::abort();
  FileNameScan scan(record.bytes(), walk.slack_begin(), record.bytes().size());
  for (FileNameCandidate c; scan.next(c);) c.file_name.name.append_to(text);
  return 0;
}
