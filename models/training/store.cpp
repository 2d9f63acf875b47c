#include "models/training/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/error.h"
#include "framework/io/disk_space.h"
#include "models/training/facts.h"

namespace heed::models {
namespace {

NamedTensors copy_of(const NamedTensors& tensors) {
  NamedTensors copies;
  for (const auto& [name, value] : tensors) copies.emplace_back(name, value.detach().clone());
  return copies;
}

}  // namespace

Store::Store(std::filesystem::path folder, FreeBytes free, std::function<void(const std::string&)> full)
    : folder_(std::move(folder)), free_(free ? std::move(free) : disk_space), full_(std::move(full)) {}

bool Store::has_room(int64_t bytes) const { return free_(folder_) - kMargin >= bytes; }

std::string Store::lack(const std::string& what, int64_t bytes) const {
  return fmt::format("{} needs {}, and the file system of '{}' has {} left", what,
                     bytes_text(bytes + kMargin), folder_.string(),
                     bytes_text(std::max<int64_t>(free_(folder_), 0)));
}

void Store::require_room(const std::string& what, int64_t bytes) const {
  if (!has_room(bytes)) throw IoError("disk", lack(what, bytes));
}

// A write that fails while there is room fails for another reason.
bool Store::attempt(int64_t bytes, const std::function<void()>& write) const {
  if (!has_room(bytes)) return false;
  try {
    write();
  } catch (const IoError&) {
    if (has_room(bytes)) throw;
    return false;
  }
  return true;
}

void Store::say_full(const std::string& what, int64_t bytes) {
  if (!said_ && full_) {
    full_(lack(what, bytes) +
          "; the training goes on and writes it when there is room, until then the last "
          "checkpoint stays");
  }
  said_ = true;
}

void Store::put(Need need, const std::string& group, size_t most, const NamedTensors& tensors,
                const Write& write) {
  const int64_t bytes = bytes_of(tensors);
  if (flush(need) && attempt(room_for(need, bytes), [&] { write(tensors); })) return;
  say_full("a checkpoint", room_for(need, bytes));
  const auto same = [&](const Held& held) { return held.group == group; };
  if (std::ranges::count_if(held_, same) >= static_cast<std::ptrdiff_t>(most))
    held_.erase(std::ranges::find_if(held_, same));
  held_.push_back({need, group, copy_of(tensors), write});
}

bool Store::flush(Need need) {
  for (auto next = held_.begin(); next != held_.end();) {
    if (next->need != need) {
      ++next;
      continue;
    }
    if (!attempt(room_for(need, bytes_of(next->tensors)), [&] { next->write(next->tensors); })) return false;
    next = held_.erase(next);
  }
  return true;
}

void Store::require_written(Need need) {
  if (flush(need)) return;
  const auto waits = std::ranges::find(held_, need, &Held::need);
  const int64_t bytes = room_for(need, bytes_of(waits->tensors));
  require_room("a checkpoint", bytes);
  throw IoError("disk", lack("a checkpoint", bytes));  // room came and went
}

bool Store::write(const std::string& what, int64_t bytes, const std::function<void()>& write) {
  if (!flush(Need::before_state) || !attempt(bytes, write)) {
    say_full(what, bytes);
    return false;
  }
  if (!held_.empty()) return true;  // some of what is kept still waits
  if (said_ && full_) full_(fmt::format("the disk has room again: {} is written", what));
  said_ = false;
  return true;
}

}  // namespace heed::models
