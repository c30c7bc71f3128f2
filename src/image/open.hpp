// Opens the evidence: a disk image of any supported container, or an extracted artefact.
//
// What a file is, is decided by its content, not by its name. Supported: raw (a whole disk or a bare volume, also a block device), split
// raw, VHD and VHDX, each fixed, dynamic or differencing; a pending log of a VHDX is replayed in memory. Known but refused (RunError with
// the reason): a differencing image whose parent is missing or another one, a pending log that is damaged, and containers that are
// recognised but not read (Ex01, L01, compressed files; VMDK where its library was not there to build with: foreign.hpp).
// Anything else of at least 512 bytes is raw; whether there is a disk in it, the partition table or the volume must say.
//
// The evidence is opened read-only, never locked, and its access time is left alone where the system allows it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::image {

struct OpenedImage {
  SourcePtr source;  // the virtual disk (its `locate` answers in the disk space), or the artefact (in its file space); owns its files
  SourceInfo info;   // filled, warnings included
  std::vector<Warning> warnings;
  bool complete = true;           // false: a part of the disk is known to be missing (image cut short, damaged block table)
  std::uint32_t sector_size = 0;  // logical sector size as the container states it, bytes; 0 when it does not
  // Stretches of the container file and of its parents', in their file spaces, that hold neither its structures nor a live block: what was
  // left of earlier ones.
  std::vector<Range> unreferenced;
  std::vector<SourcePtr> files;  // the files of `info`, in their order, each in its file space
};

struct OpenOptions {
  std::vector<std::string> parents;  // where parents of a differencing image may be, before the files beside it are looked at
  bool replay_log = true;            // false: a VHDX with a pending log shows the state before
  std::string page_ranges;           // the listing of a page blob (XML or JSON) that the raw image or fixed VHD was downloaded from
};

// One image: one path, or the parts of a split image. The first part of a split finds the others; parts given by hand are put in order when
// their endings number them. Throws RunError{ExitCode::input}, and {usage} for a page listing that cannot apply; never returns bytes known
// to be wrong.
OpenedImage open_image(const std::vector<std::string>& paths, const OpenOptions& options = {});

// An extracted artefact, as it is. `file_index` is N of its space `file:N`. Throws RunError{ExitCode::input}.
OpenedImage open_file(const std::string& path, std::uint32_t file_index);

}  // namespace trimcarve::image
