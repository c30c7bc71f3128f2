// The one call: an image (or extracted artefacts) in, an Examination out.
//
// Errors: RunError when an input cannot be opened or is no image at all; everything less is in Examination::warnings with complete = false.
// Threads: independent calls may run in parallel; one call uses the calling thread. Input is opened read-only and never touched.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/examination.hpp"

namespace trimcarve {

struct Request {
  std::vector<std::string> image;  // one image: one path, or the parts of a split raw in order (a first part finds the others itself)
  // Extracted artefacts instead of an image; empty when not given.
  std::string mft, usn_journal, log_file, index, boot;
  // Logs, hives, archives of logs: by content. With an image or without one. A hive's .LOG1 and .LOG2 are taken beside it when given too.
  std::vector<std::string> artifacts;
  std::string activity_log;  // the Azure Activity Log, in any of its three shapes
  // A PFX (or PEM) with the certificate and key that protectedSettings were sealed for; its password.
  std::string certificate, certificate_password;
  std::vector<std::string> targets{"custom-script"};  // profile names or NTFS paths; none: what the input is, and no more (info)
  std::optional<std::uint32_t> volume;                // only this NTFS volume, by index
  std::vector<std::string> parents;                   // files that may be parents of a differencing image, before those beside it
  bool replay_log = true;                             // false: a VHDX with a pending log is examined in the state before
  std::string page_ranges;                            // a listing of the page blob that the raw image or fixed VHD is; empty: none
  // What opens BitLocker volumes; those that are given are tried on each. Secrets are in files, not in these strings, but for the password.
  std::string recovery_key;        // the text file that Windows saved, or one with the 48 digits
  std::string startup_key;         // a .BEK file
  std::string bitlocker_password;  // UTF-8
  bool shadows = true;             // examine its volume shadow copies too
  bool search_all = false;         // search all data that no volume explains for lost volumes, however much there is
  // Search free clusters and slack for what they still hold. Not said: when no more than `free_space_by_default` bytes are stored there.
  std::optional<bool> free_space;
  std::string yara;           // a file of YARA rules that mark contents and fragments; empty: none
  bool whole_volume = false;  // and the clusters that files have (page files, memory dumps)
  // Bytes of memory that the process may hold; 0: no limit. When it holds more, what is being read is read no further: a warning
  // "memory_limit" for each such source, and the examination is not complete. What was begun may take some tens of MiB more.
  std::uint64_t max_memory = 0;
};

// A search runs at more than 1 GB/s where the evidence can be read as fast: this is a matter of seconds.
inline constexpr std::uint64_t free_space_by_default = std::uint64_t{4} << 30;

struct Progress {
  // May be empty; called a few times a second. Amounts are bytes, of the stage "contents" files; a total of 0 is not known.
  std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)> report;
  const std::atomic<bool>* cancel = nullptr;  // set: the run ends with RunError{interrupted}
  // Called once, when every file that was named (and those that belong to them: parts, parents) is open: from then on none is opened, and
  // nothing inside the image was read yet but its container. The place to give up the right to open any. May be empty.
  std::function<void()> opened;
};

Examination examine(const Request& request, const Progress& progress = {});

// Names of the built-in profiles, in the order they are documented.
std::vector<std::string> profile_names();

}  // namespace trimcarve
