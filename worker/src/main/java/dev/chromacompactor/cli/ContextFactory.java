package dev.chromacompactor.cli;

import java.lang.reflect.Constructor;
import picocli.CommandLine;

/** Makes commands: hands the context to those whose one constructor takes it. */
final class ContextFactory implements CommandLine.IFactory {
    private final Context context;

    ContextFactory(Context context) {
        this.context = context;
    }

    @Override
    public <K> K create(Class<K> type) throws Exception {
        try {
            Constructor<K> constructor = type.getDeclaredConstructor(Context.class);
            return constructor.newInstance(context);
        } catch (NoSuchMethodException e) {
            return CommandLine.defaultFactory().create(type);
        }
    }
}
