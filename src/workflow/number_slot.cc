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

NumberWanted WantedNumber(const Entity& entity, const Entity::UsualFor& usual) {
  NumberWanted wanted = WantedNumber(entity);
  wanted.usual_min = usual.min ? usual.min : entity.min;
  wanted.usual_max = usual.max ? usual.max : entity.max;
  return wanted;
}

}  // namespace sotto
