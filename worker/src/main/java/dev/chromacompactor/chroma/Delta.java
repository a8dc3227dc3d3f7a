package dev.chromacompactor.chroma;

import dev.chromacompactor.failure.FailureException;
import java.util.List;
import java.util.function.Consumer;

/** What a fold asks of a delta. */
interface Delta {
    SchemaLevel level();

    /** How a database like this one begins. */
    Seed seed();

    List<CollectionInfo> collections();

    CollectionDefinition definition(CollectionInfo collection);

    /** Each id once. */
    void entries(CollectionInfo collection, Consumer<Entry> each);

    /**
     * Puts the records of a collection into a fold.
     *
     * @param each joins one
     * @return what became of those that were put in without {@code each}
     */
    default Copied into(
            Workspace target, CollectionInfo source, CollectionInfo collection, Stamp stamp, Consumer<Entry> each) {
        entries(source, each);
        return Copied.NOTHING;
    }

    /** @param ids of records, all new, with their digest */
    record Copied(List<String> ids, RecordDigest digest) {
        static final Copied NOTHING = new Copied(List.of(), new RecordDigest());
    }

    /** A delta as its producer left it. */
    record Files(ChromaDatabase chroma, FoldDatabase tables) implements Delta {
        @Override
        public SchemaLevel level() {
            return chroma.level();
        }

        @Override
        public Seed seed() {
            return Seed.of(tables);
        }

        @Override
        public List<CollectionInfo> collections() {
            return chroma.collections();
        }

        @Override
        public CollectionDefinition definition(CollectionInfo collection) {
            return CollectionDefinition.read(tables, collection);
        }

        @Override
        public void entries(CollectionInfo collection, Consumer<Entry> each) {
            chroma.entries(collection, each);
        }

        @Override
        public Copied into(
                Workspace target, CollectionInfo source, CollectionInfo collection, Stamp stamp, Consumer<Entry> each) {
            target.database().attach(tables.file());
            PlainRecords.Folded plain;
            try {
                plain = chroma.foldPlain(source, target, collection, stamp);
            } catch (FailureException e) {
                // Whoever checks every row says more exactly what is wrong with them.
                chroma.requireSound();
                throw e;
            } finally {
                target.database().detach();
            }
            if (plain.doubtful()) {
                chroma.requireSound();
            }
            chroma.entries(source, plain.rest(), each);
            return new Copied(plain.copied(), plain.digest());
        }
    }
}
