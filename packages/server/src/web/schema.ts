import { type Static, type TProperties, type TSchema, Type } from 'typebox'

/** The schema, or null. */
export function Nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()])
}

/** A field of a request that may be missing or null. */
export function Maybe<T extends TSchema>(schema: T) {
  return Type.Optional(Nullable(schema))
}

/** One of these words, spelled exactly so. */
export function Words<const T extends readonly string[]>(words: T) {
  return Type.Unsafe<T[number]>(Type.Enum([...words]))
}

/** Names of links → templates. The web prefix is put in front when the answer is sent. */
export const Links = Type.Record(Type.String(), Type.String())

/** Fields of an answer that stand for a stored document. */
export const ResourceHead = {
  Id: Type.String(),
  LastModifiedOn: Nullable(Type.String()),
  LastModifiedBy: Nullable(Type.String()),
  Links,
}

/** A resource of a space with these fields. */
export function SpaceResource<T extends TProperties>(fields: T) {
  return Type.Object({ ...ResourceHead, SpaceId: Type.String(), ...fields })
}

/** A named resource of a space with these fields. */
export function NamedResource<T extends TProperties>(fields: T) {
  return SpaceResource({ Name: Type.String(), Slug: Type.String(), ...fields })
}

/** Body of every answer that is not a success: docs/wire/server-api.md, error bodies. */
export const ErrorResource = Type.Object({
  ErrorMessage: Type.String(),
  /** Only on 400 and 409: a client that sees the field on a 404 does not fall back to a look-up by name. */
  Errors: Type.Optional(Type.Array(Type.String())),
  HelpText: Type.Optional(Type.String()),
})

/** A list in the query: `a,b`, or the parameter several times. */
export const QueryList = Type.Optional(Type.Array(Type.String()))
export const QueryText = Type.Optional(Type.String())
/** `true`, `True`, `false` … */
export const QueryFlag = Type.Optional(Type.Boolean())
export const QueryCount = Type.Optional(Type.Integer({ minimum: 0 }))

/** What every list understands. */
export const pageQuery = { skip: QueryCount, take: QueryCount, ids: QueryList, partialName: QueryText }
/** Lists of named things also find an exact name. */
export const namedPageQuery = { ...pageQuery, name: QueryText }

/** One page of a list. */
export function PageOf<T extends TSchema>(item: T) {
  return Type.Object({
    ItemType: Type.String(),
    TotalResults: Type.Integer(),
    ItemsPerPage: Type.Integer(),
    NumberOfPages: Type.Integer(),
    LastPageNumber: Type.Integer(),
    Items: Type.Array(item),
    Links,
  })
}

export const ById = Type.Object({ id: Type.String() })
/** Answer of a deletion: an empty object. */
export const Nothing = Type.Object({})

export type PageQuery = Static<ReturnType<typeof Type.Object<typeof pageQuery>>>
