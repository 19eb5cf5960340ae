#include "workflow/number_slot.h"

namespace sotto {

NumberWanted WantedNumber(const Entity& entity) {
  NumberWanted wanted;
  wanted.money = entity.type == Entity::Type::kMoney;
  if (wanted.money) wanted.currency = entity.currency;
  wanted.usual_min = entity.usual_min ? entity.usual_min : entity.min;
  wanted.usual_max = entity.usual_max ? entity.usual_max : entity.max;
  return wanted;
}

}  // namespace sotto
