namespace Terway.Cni.Wire;

/// <summary>The peer sent something that is no frame: a length out of bounds, an end in the middle, a body that is not the expected JSON.</summary>
internal sealed class FrameException : IOException
{
    public FrameException(string message) : base(message)
    {
    }

    public FrameException(string message, Exception inner) : base(message, inner)
    {
    }
}
