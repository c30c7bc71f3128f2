// Expectations: the rules at the head of deletion.hpp, worked by hand.
#include "history/deletion.hpp"

#include <doctest/doctest.h>

using namespace trimcarve;
using history::DeletionNode;

namespace {
history::TimeBasis at(std::uint64_t time, const char* basis) { return {FileTime{time}, basis, {static_cast<std::uint32_t>(time)}}; }
}  // namespace

TEST_CASE("the last sign of life and the first sign of absence bound a deletion") {
  std::vector<DeletionNode> nodes(1);
  nodes[0].deleted = true;
  nodes[0].alive = {at(10, "record_changed"), at(30, "usn_last_record"), at(20, "name_changed")};
  nodes[0].gone = {at(90, "next_owner_created"), at(50, "parent_modified")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.earliest == FileTime{30});
  CHECK(nodes[0].bounds.earliest_basis == "usn_last_record");
  CHECK(nodes[0].bounds.earliest_sightings == std::vector<std::uint32_t>{30});
  CHECK(nodes[0].bounds.latest == FileTime{50});
  CHECK(nodes[0].bounds.latest_basis == "parent_modified");
  CHECK(nodes[0].contradictions.empty());
}

TEST_CASE("an end of which nothing is known stays empty") {
  std::vector<DeletionNode> nodes(2);
  nodes[0].deleted = nodes[1].deleted = true;
  nodes[0].alive = {at(10, "record_changed")};
  nodes[1].gone = {at(10, "next_owner_created")};
  bound_deletions(nodes);
  CHECK_FALSE(nodes[0].bounds.latest);
  CHECK_FALSE(nodes[1].bounds.earliest);
}

TEST_CASE("a record of the deletion gives both ends; others do not move them") {
  std::vector<DeletionNode> nodes(1);
  nodes[0].deleted = true;
  nodes[0].deleted_at = {at(40, "usn_delete")};
  nodes[0].alive = {at(10, "record_changed")};
  nodes[0].gone = {at(90, "next_owner_created")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.earliest == FileTime{40});
  CHECK(nodes[0].bounds.latest == FileTime{40});
}

TEST_CASE("a sign of life after the recorded deletion is told as a contradiction") {
  std::vector<DeletionNode> nodes(1);
  nodes[0].deleted = true;
  nodes[0].deleted_at = {at(40, "usn_delete")};
  nodes[0].alive = {at(60, "record_changed")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.latest == FileTime{40});
  REQUIRE(nodes[0].contradictions.size() == 1);
}

TEST_CASE("a sign of absence before the last sign of life does not bound, and is told") {
  std::vector<DeletionNode> nodes(1);
  nodes[0].deleted = true;
  nodes[0].alive = {at(60, "usn_last_record")};
  nodes[0].gone = {at(50, "parent_modified"), at(80, "next_owner_created")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.latest == FileTime{80});
  CHECK(nodes[0].contradictions.size() == 1);
}

TEST_CASE("a directory goes no earlier than its children, and they no later than it") {
  std::vector<DeletionNode> nodes(3);  // 0 holds 1 holds 2
  for (auto& n : nodes) n.deleted = true;
  nodes[1].parent = 0;
  nodes[2].parent = 1;
  nodes[2].alive = {at(70, "record_changed")};
  nodes[0].alive = {at(10, "record_changed")};
  nodes[0].gone = {at(90, "parent_modified")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.earliest == FileTime{70});
  CHECK(nodes[0].bounds.earliest_basis == "child_record_changed");
  CHECK(nodes[2].bounds.latest == FileTime{90});
  CHECK(nodes[2].bounds.latest_basis == "directory_parent_modified");
}

TEST_CASE("a child that outlived its directory contradicts, and narrows nothing") {
  std::vector<DeletionNode> nodes(2);
  for (auto& n : nodes) n.deleted = true;
  nodes[1].parent = 0;
  nodes[0].deleted_at = {at(40, "usn_delete")};
  nodes[1].alive = {at(60, "record_changed")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.latest == FileTime{40});
  CHECK_FALSE(nodes[1].bounds.latest);
  CHECK(nodes[1].contradictions.size() == 1);
}

TEST_CASE("nodes that are each other's parents do not hang") {
  std::vector<DeletionNode> nodes(2);
  for (auto& n : nodes) n.deleted = true;
  nodes[0].parent = 1;
  nodes[1].parent = 0;
  nodes[0].alive = {at(10, "a")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.earliest == FileTime{10});
}

TEST_CASE("a live file has no deletion") {
  std::vector<DeletionNode> nodes(1);
  nodes[0].alive = {at(10, "a")};
  bound_deletions(nodes);
  CHECK_FALSE(nodes[0].bounds.earliest);
}

TEST_CASE("several records of the deletion span it, and a sign of absence before them is told") {
  std::vector<DeletionNode> nodes(1);
  nodes[0].deleted = true;
  nodes[0].deleted_at = {at(45, "usn_delete"), at(40, "usn_renamed_to_extend_deleted")};
  nodes[0].gone = {at(30, "parent_modified")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.earliest == FileTime{40});
  CHECK(nodes[0].bounds.earliest_basis == "usn_renamed_to_extend_deleted");
  CHECK(nodes[0].bounds.latest == FileTime{45});
  CHECK(nodes[0].bounds.latest_basis == "usn_delete");
  CHECK(nodes[0].contradictions.size() == 1);
}

TEST_CASE("a child whose recorded deletion is later than its directory's contradicts, and both keep what their records say") {
  // Windows removes a directory only when it is empty (RemoveDirectory: ERROR_DIR_NOT_EMPTY).
  std::vector<DeletionNode> nodes(2);
  for (auto& n : nodes) n.deleted = true;
  nodes[1].parent = 0;
  nodes[0].deleted_at = {at(40, "usn_delete")};
  nodes[1].deleted_at = {at(60, "usn_delete")};
  bound_deletions(nodes);
  CHECK(nodes[0].bounds.latest == FileTime{40});
  CHECK(nodes[1].bounds.earliest == FileTime{60});
  CHECK(nodes[1].bounds.latest == FileTime{60});
  CHECK(nodes[1].contradictions.size() == 1);
}

TEST_CASE("a child's recorded deletion before or with its directory's contradicts nothing") {
  std::vector<DeletionNode> nodes(3);
  for (auto& n : nodes) n.deleted = true;
  nodes[1].parent = nodes[2].parent = 0;
  nodes[0].deleted_at = {at(40, "usn_delete")};
  nodes[1].deleted_at = {at(40, "usn_delete")};
  nodes[2].deleted_at = {at(30, "usn_delete")};
  bound_deletions(nodes);
  for (const DeletionNode& node : nodes) CHECK(node.contradictions.empty());
  CHECK(nodes[2].bounds.latest == FileTime{30});
}

TEST_CASE("a live directory takes no bound from its deleted children and gives them none") {
  std::vector<DeletionNode> nodes(2);
  nodes[1].deleted = true;
  nodes[1].parent = 0;
  nodes[0].gone = {at(10, "never asked")};
  nodes[1].alive = {at(60, "record_changed")};
  bound_deletions(nodes);
  CHECK_FALSE(nodes[0].bounds.earliest);
  CHECK(nodes[1].bounds.earliest == FileTime{60});
  CHECK_FALSE(nodes[1].bounds.latest);
  CHECK(nodes[1].contradictions.empty());
}

TEST_CASE("a cycle is cut without harm to those outside it") {
  std::vector<DeletionNode> nodes(5);  // 0 and 1 hold each other; 2 holds 3; 4 is its own parent
  for (auto& n : nodes) n.deleted = true;
  nodes[0].parent = 1;
  nodes[1].parent = 0;
  nodes[3].parent = 2;
  nodes[4].parent = 4;
  nodes[3].alive = {at(20, "record_changed")};
  nodes[2].gone = {at(50, "parent_modified")};
  nodes[4].alive = {at(10, "record_changed")};
  bound_deletions(nodes);
  CHECK(nodes[2].bounds.earliest == FileTime{20});
  CHECK(nodes[3].bounds.latest == FileTime{50});
  CHECK(nodes[4].bounds.earliest == FileTime{10});
  CHECK_FALSE(nodes[4].bounds.latest);
}

TEST_CASE("each kind of source is listed with its own interval, the tightest of its signs, and whether it agrees") {
  std::vector<DeletionNode> nodes(1);
  DeletionNode& node = nodes[0];
  node.deleted = true;
  node.alive = {{{10}, "record_changed", {1}}, {{12}, "record_changed", {2}}, {{8}, "name_changed", {3}}};
  node.gone = {{{30}, "next_owner_created", {4}}, {{25}, "next_owner_created", {5}}, {{11}, "parent_modified", {6}}};
  bound_deletions(nodes);
  REQUIRE(node.sources.size() == 4);
  CHECK(node.sources[0].basis == "record_changed");
  CHECK(node.sources[0].earliest == FileTime{12});
  CHECK_FALSE(node.sources[0].latest);
  CHECK(node.sources[0].sightings == std::vector<std::uint32_t>{2});
  CHECK(node.sources[1].basis == "name_changed");
  CHECK(node.sources[2].latest == FileTime{25});
  CHECK(node.sources[2].agrees);
  // It was there at 12, so a directory that says it was gone by 11 disagrees: it is listed, told, and bounds nothing.
  CHECK(node.sources[3].basis == "parent_modified");
  CHECK_FALSE(node.sources[3].agrees);
  CHECK(node.bounds.latest == FileTime{25});
  CHECK(node.contradictions.size() == 1);
}
