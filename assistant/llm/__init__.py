"""The language model behind one interface: a LangChain chat model, local or behind an OpenAI-compatible server."""
