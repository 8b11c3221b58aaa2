// A sample of what Tools/damage does with every bit.
