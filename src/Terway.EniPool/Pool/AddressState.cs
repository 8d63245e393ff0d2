namespace Terway.EniPool.Pool;

internal enum AddressState
{
    /// <summary>Free, or cooling down.</summary>
    Idle,

    /// <summary>A pod holds it.</summary>
    InUse,

    /// <summary>The cloud gave it; it is not recorded yet and cannot be handed out.</summary>
    Arriving,

    /// <summary>On its way back to the vSwitch; cannot be handed out.</summary>
    Leaving,
}
