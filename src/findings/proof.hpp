// What speaks for the deletion of a file, and how a file is told of in a statement.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

// What speaks for the deletion of a file, each kind of evidence by itself.
struct Proof {
  Grade grade = Grade::inferred;
  std::vector<std::string> reasons;
  std::string rule;  // of an inferred one
  std::vector<std::uint32_t> sightings;
};

Proof prove_deletion(const FileReport& file, const Examination& examination);

bool has_flag(const FileReport& file, std::string_view flag);
// Does the journal record the deletion of a file whose record is in use?
bool contradicted(const FileReport& file);
// Its grade as a file in use, and what is to be said with it.
Grade in_use_grade(const FileReport& file);
std::string_view doubt(const FileReport& file);
// Of two deleted files the later is the one whose end is later.
bool later(const FileReport& a, const FileReport& b);

// Who wrote it, for independence: what the Azure agent and its handlers put into the event log is their own word, as their logs are.
SourceKind writer_of(SourceKind source, const Statement& statement);
// ", no zone stated: taken for UTC" where a witness's time has no zone; a basis that says so.
std::string zone_note(const Statement& statement);
std::string zoned_basis(std::string basis, const Statement& statement);
std::string_view called(SourceKind witness);                 // "the agent's logs"; a kind of witness
std::string told(const FileReport& file);                    // its path and reference
std::string list_of(const std::vector<std::string>& parts);  // "a, b and c"
std::string sentence(std::string text);                      // with a capital letter

}  // namespace trimcarve::findings
