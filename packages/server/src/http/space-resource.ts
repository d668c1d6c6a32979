import { type Static, Type } from 'typebox'
import type { Space } from '../model/space.ts'
import { Links, Nullable } from '../web/schema.ts'
import { wireInstant } from '../web/wire-time.ts'

export const SpaceResource = Type.Object({
  Id: Type.String(),
  Name: Type.String(),
  Slug: Type.String(),
  Description: Type.String(),
  IsDefault: Type.Boolean(),
  IsPrivate: Type.Boolean(),
  TaskQueueStopped: Type.Boolean(),
  SpaceManagersTeams: Type.Array(Type.String()),
  SpaceManagersTeamMembers: Type.Array(Type.String()),
  LastModifiedOn: Type.String(),
  LastModifiedBy: Nullable(Type.String()),
  Links,
})

/** A space as the REST API shows it. */
export function toSpaceResource(space: Space): Static<typeof SpaceResource> {
  return {
    Id: space.id,
    Name: space.name,
    Slug: space.slug,
    Description: space.description,
    IsDefault: space.isDefault,
    IsPrivate: false,
    TaskQueueStopped: space.taskQueueStopped,
    SpaceManagersTeams: [...space.managerTeams],
    SpaceManagersTeamMembers: [...space.managerUserIds],
    LastModifiedOn: wireInstant(space.lastModifiedOn),
    LastModifiedBy: space.lastModifiedBy,
    Links: { Self: `/api/spaces/${space.id}`, SpaceHome: `/api/${space.id}`, Web: `/app#/${space.id}` },
  }
}
